extension ServerConfiguration {
  package static let keys: [ConfigurationKey<Self>] = [
    .init("", "name", .text(\.name, .name), "name of this server, for people"),
    .init("log", "level", .level(\.log.level), "what reaches the log: this and graver"),
    .init("state", "directory", .text(\.state.directory, .path), "database, keys, certificates and content; nobody else's"),
    .init(
      "state", "content_quota_mib", .number(\.state.contentQuotaMiB, 1...(16 << 20)),
      "room for content, in MiB; more is refused when it is full"),
    .init("uplink", "address", .text(\.uplink.address, .address.orEmpty("all that this machine has")), "where gateways connect"),
    .init("uplink", "port", .number(\.uplink.port, 0...65_535), "TCP port where gateways connect; 0: any free one"),
    .init(
      "uplink", "names", .list(\.uplink.names, .host, 1...16),
      "what gateways may call this server; its certificate is made for these names, anew when they change"),
    .init(
      "uplink", "gateway_certificate_days", .number(\.uplink.gatewayCertificateDays, 1...3650),
      "how long the certificates of gateways hold, in days; they renew them when a third is left"),
    .init("api", "address", .text(\.api.address, .address.orEmpty("all that this machine has")), "where applications connect"),
    .init("api", "port", .number(\.api.port, 0...65_535), "TCP port where applications connect, HTTPS; 0: any free one"),
  ]
}
