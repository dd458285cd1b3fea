package import CPNSModel
import FoundationEssentials

/// A code that is not one, in words for the person who typed it.
package struct CodeError: Error, Equatable, Sendable, CustomStringConvertible {
  package var description: String
}

/// What `pngwctl pair` shows: a one-time key, and which gateway it is for. 32 characters in 8 groups of 4.
package struct PairingCode: Sendable, Equatable {
  /// 16 random bytes.
  package let key: [UInt8]
  /// The first 4 bytes of the gateway's entity UUID, to find it among several on one LAN.
  package let gatewayHint: [UInt8]

  package init(key: [UInt8], gateway: EntityID) {
    self.key = key
    self.gatewayHint = Self.hint(of: gateway)
  }

  /// Takes the code with or without "-", in either case, or as the URI of the QR code (`CPNS:PAIR:…`).
  package init(parsing text: some StringProtocol) throws(CodeError) {
    let upper = text.uppercased()
    let code = upper.hasPrefix(Self.uriPrefix) ? String(upper.dropFirst(Self.uriPrefix.count)) : upper
    guard let bytes = Base32.decode(code) else {
      throw CodeError(description: "a pairing code has only the letters A to Z, the digits 2 to 7, and dashes")
    }
    guard bytes.count == 20 else {
      throw CodeError(description: "a pairing code has 32 characters in 8 groups of 4; this one has \(code.filter { $0 != "-" && $0 != " " }.count)")
    }
    key = Array(bytes[0..<16])
    gatewayHint = Array(bytes[16..<20])
  }

  package var text: String { Base32.grouped(Base32.encode(key + gatewayHint)) }
  package var uri: String { Self.uriPrefix + Base32.encode(key + gatewayHint) }

  /// Salt of HKDF for the pairing key: what both sides know before they have spoken.
  package var salt: [UInt8] { gatewayHint }

  package func isFor(_ gateway: EntityID) -> Bool { Self.hint(of: gateway) == gatewayHint }

  private static let uriPrefix = "CPNS:PAIR:"
  private static func hint(of gateway: EntityID) -> [UInt8] {
    withUnsafeBytes(of: gateway.uuid.uuid) { Array($0.prefix(4)) }
  }
}

/// Identities of the pre-shared keys on a PNE's link, and how the keys are derived (docs/protocol.md, "Pairing").
package enum PSKIdentity: Equatable, Sendable {
  case pairing
  case entityUserKey(EntityID, generation: UInt32)

  package init?(_ text: String) {
    if text == "pair" {
      self = .pairing
      return
    }
    let prefix = "eukey:"
    guard text.utf8.count <= 80, text.hasPrefix(prefix), let colon = text.lastIndex(of: ":"),
      let generation = UInt32(text[text.index(after: colon)...]),
      let id = EntityID(urn: text[text.index(text.startIndex, offsetBy: prefix.count)..<max(colon, text.index(text.startIndex, offsetBy: prefix.count))])
    else { return nil }
    self = .entityUserKey(id, generation: generation)
  }

  package var text: String {
    switch self {
    case .pairing: "pair"
    case .entityUserKey(let id, let generation): "eukey:\(id.urn):\(generation)"
    }
  }

  /// `info` of HKDF for the key of a pairing link; its salt is ``PairingCode/salt``.
  package static let pairingInfo = "cpns/1 pairing psk"
  /// `info` of HKDF for the per-gateway key of an Entity-User Key; its salt is the gateway's id as a URN.
  package static let gatewayKeyInfo = "cpns/1 gateway key"
}
