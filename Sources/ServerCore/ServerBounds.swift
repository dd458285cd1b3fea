/// Bounds on what the server keeps and does. Each has its reason; what happens at the bound stands where it is used.
package enum ServerBounds {
  /// Deliveries that have not ended, in all and for one PN. A consumer that never comes must not fill the disk.
  package static let liveDeliveries = 10_000
  package static let liveDeliveriesOfPN = 1_000
  /// Ended deliveries that are remembered: some 60 MB.
  package static let endedDeliveries = 100_000
  package static let rememberedDays: Int64 = 90
  /// Contents have a quota of bytes; this bounds how many files that may be.
  package static let contents = 10_000
  /// Services of applications.
  package static let services = 10_000
  package static let unspentClaims = 1_000
  /// A claim code that nobody used is worth nothing after so many days.
  package static let claimDays: Int64 = 7
  /// Names of gateways, in characters: as on a link.
  package static let gatewayName = 64
  /// A PKCS#10 request, in bytes.
  package static let certificateRequest = 8 << 10
  /// Elements of one page of a list.
  package static let page = 1_000
}
