/// Bounds on what comes from outside. Each has its reason; what happens at the bound stands where it is used.
package enum Limits {
  /// Largest frame on a link. Holds a chunk, and an inventory snapshot of 256 devices with room to spare.
  package static let frame = 1 << 20
  /// Largest frame accepted before we know who is talking: a Hello is under 2 kB, a certificate request under 9.
  package static let frameBeforeHello = 16 << 10
  /// Largest data in one content chunk: a slow reader holds up the link for no longer than this takes.
  package static let chunk = 64 << 10
  /// Bytes of one stream that may be under way without new credit: covers 40 ms at 100 Mbit/s.
  package static let streamCredit = 512 << 10
  /// Most credit that a receiver may have given at once.
  package static let maximumCredit = 16 << 20
  /// Content streams open at once on one link.
  package static let streams = 32
  /// Requests that one peer may have unanswered at once.
  package static let requests = 32
  /// A name shown to people, in characters.
  package static let name = 128
  package static let mediaTypes = 512
  package static let services = 32
  package static let attributes = 16
  /// Devices in one PN Inventory, virtual PNEs among them.
  package static let devices = 256
  /// Time from the first byte of a link to its Hello.
  package static let helloSeconds = 10
  /// Longest silence on a link before it counts as dead, by default.
  package static let silenceSeconds = 30
}
