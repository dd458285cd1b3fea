import CPNSModel
import Configuration
import ContentFiles
import GatewayCore
import OpenSSLTLS

extension GatewaySettings {
  init(_ configuration: GatewayConfiguration) {
    self.init(
      name: configuration.name, software: "pngwd \(Version.text)", uplink: UplinkService.Settings(configuration.uplink),
      keepAlive: .seconds(configuration.uplink.keepAliveSeconds), pairingWindowSeconds: Int64(configuration.elements.pairingWindowSeconds))
  }
}

extension UplinkService.Settings {
  init(_ uplink: GatewayConfiguration.Uplink) {
    self.init(
      server: uplink.server, backoffFirst: .milliseconds(uplink.backoffFirstMilliseconds), backoffLimit: .seconds(uplink.backoffLimitSeconds))
  }
}

extension SHA256Stream: ContentHasher {}
