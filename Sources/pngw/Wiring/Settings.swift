import CPNSModel
import Configuration
import ContentFiles
import GatewayCore
import OpenSSLTLS

extension GatewaySettings {
  init(_ configuration: GatewayConfiguration) {
    let uplink = configuration.uplink
    self.init(
      name: configuration.name, software: "pngwd \(Version.text)",
      uplink: UplinkService.Settings(
        server: uplink.server, backoffFirst: .milliseconds(uplink.backoffFirstMilliseconds), backoffLimit: .seconds(uplink.backoffLimitSeconds)),
      keepAlive: .seconds(uplink.keepAliveSeconds), pairingWindowSeconds: Int64(configuration.elements.pairingWindowSeconds))
  }
}

extension SHA256Stream: ContentHasher {}
