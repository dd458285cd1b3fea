/// Bounds on what comes from outside. Each has its reason; what happens at the bound stands where it is used.
package enum Limits {
  /// Largest frame on a link. Holds a chunk, and an inventory of some forty televisions with all that they can play; more go in several.
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
  /// Relays that one envelope may pass: PNE, gateway, server, gateway, PNE are three; more would be a loop.
  package static let hops = 8
  /// Longest time that a request may wait for its answer.
  package static let deadlineMilliseconds: UInt32 = 120_000
  /// A name shown to people, in characters.
  package static let name = 128
  /// Bytes of a text by its bound in characters: a character of four bytes is one of the longest that is not put together of several.
  package static let bytesPerCharacter = 4
  package static let mediaTypes = 512
  /// One media type, in bytes: 127, "/" and 127 (RFC 6838, 4.2).
  package static let mediaType = 255
  /// One entry of a sink ProtocolInfo, in bytes; the longest that we know has 140.
  package static let protocolInfo = 512
  package static let services = 32
  package static let attributes = 16
  /// Devices in one PN Inventory, virtual PNEs among them.
  package static let devices = 256
  /// Time from the first byte of a link to its Hello.
  package static let helloSeconds = 10
  /// Longest silence on a link before it counts as dead, by default.
  package static let silenceSeconds = 30
}

extension String {
  /// As much of the beginning as a message takes where at most `characters` are taken.
  package func fitting(_ characters: Int) -> String {
    var room = characters * Limits.bytesPerCharacter
    return String(
      prefix(characters).prefix { character in
        room -= character.utf8.count
        return room >= 0
      })
  }
}
