extension GatewayConfiguration {
  package static let keys: [ConfigurationKey<Self>] = [
    .init("", "name", .text(\.name, .name), "name of this gateway, for people and on the LAN"),
    .init("log", "level", .level(\.log.level), "what reaches the log: this and graver", isLive: true),
    .init("state", "directory", .text(\.state.directory, .path), "database, key, certificates and staged content; nobody else's"),
    .init(
      "state", "content_quota_mib", .number(\.state.contentQuotaMiB, 1...(16 << 20)),
      "room for content on its way, in MiB; deliveries wait when it is full"),
    .init("elements", "address", .text(\.elements.address, .address.orEmpty("all that this machine has")), "where PNEs connect"),
    .init("elements", "port", .number(\.elements.port, 0...65_535), "TCP port where PNEs connect; 0: any free one"),
    .init(
      "elements", "pairing_window_seconds", .number(\.elements.pairingWindowSeconds, 10...3600),
      "how long a pairing code is good for, in seconds"),
    .init(
      "uplink", "server", .text(\.uplink.server, .server.orEmpty("the server of the enrolment")),
      "the CPNS Server", isLive: true),
    .init(
      "uplink", "private_key", .text(\.uplink.privateKey, .keyFile.orEmpty("key.pem in the state directory")),
      "this gateway's key; made at enrolment if it is a file", mayHoldSecret: true, isLive: true),
    .init(
      "uplink", "certificate", .text(\.uplink.certificate, .path.orEmpty("certificate.pem in the state directory")),
      "this gateway's certificate, then those up to the anchor, PEM", isLive: true),
    .init(
      "uplink", "trust_anchor", .text(\.uplink.trustAnchor, .path.orEmpty("trust-anchor.pem in the state directory")),
      "who vouches for the server, PEM", isLive: true),
    .init(
      "uplink", "keep_alive_seconds", .number(\.uplink.keepAliveSeconds, 1...300),
      "silence after which the other side of a link is asked, in seconds; after three times that the link is lost"),
    .init(
      "uplink", "backoff_first_ms", .number(\.uplink.backoffFirstMilliseconds, 10...60_000),
      "longest wait before the first new try for the server, in milliseconds; doubled for each further one", isLive: true),
    .init(
      "uplink", "backoff_limit_seconds", .number(\.uplink.backoffLimitSeconds, 1...3600),
      "longest wait before any new try for the server, in seconds", isLive: true),
    .init("proxy", "enabled", .flag(\.proxy.isEnabled), "whether UPnP devices are made PNEs"),
    .init(
      "proxy", "interfaces", .list(\.proxy.interfaces, .interface, 0...16),
      "network interfaces whose UPnP devices are made PNEs; none: all with a LAN behind them"),
    .init("relay", "port", .number(\.relay.port, 0...65_535), "TCP port where devices of the LAN fetch content; 0: any free one"),
    .init("mdns", "enabled", .flag(\.mdns.isEnabled), "whether the gateway is announced on the LAN, by Avahi"),
    .init("admin", "socket", .text(\.admin.socket, .socketPath), "where pngwctl connects"),
    .init(
      "admin", "viewer_group", .text(\.admin.viewerGroup, .group.orEmpty("nobody")), "whose members may look"),
    .init(
      "admin", "operator_group", .text(\.admin.operatorGroup, .group.orEmpty("nobody")), "whose members may pair PNEs and push content too"),
    .init(
      "metrics", "address", .text(\.metrics.address, .address.orEmpty("all that this machine has")),
      "where metrics are served over TCP, to everybody who can connect"),
    .init("metrics", "port", .number(\.metrics.port, 0...65_535), "TCP port of the metrics; 0: they are on the admin socket only"),
  ]
}
