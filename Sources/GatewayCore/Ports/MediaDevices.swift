package import MediaProtocol

/// The UPnP/DLNA devices of all our LANs (AD 5.6.10, CPNS-9).
package protocol MediaDevices: Sendable {
  /// What the devices do. One reader; bounded, and what is dropped at the bound is counted.
  var events: AsyncStream<MediaDeviceEvent> { get }

  /// - Throws: ``MediaError``; a device that does not answer within 5 s has failed.
  func perform(_ command: MediaCommand, on device: UDN) async throws(MediaError) -> MediaReply
}
