package import CPNSModel
import FoundationEssentials
package import SwiftProtobuf

extension Message {
  /// The encoded message. Encoding fails only for required fields, which proto3 has not.
  package var bytes: [UInt8] { (try? serializedBytes()) ?? [] }
}

/// What a body or a field is not, and what it should be.
package struct MessageError: Error, Equatable, Sendable, CustomStringConvertible {
  /// `Registration.services`, `Envelope.origin`…
  package var field: String
  package var problem: String

  package init(_ field: String, _ problem: String) {
    self.field = field
    self.problem = problem
  }
  package var description: String { "\(field): \(problem)" }
}

extension Cpns_V1_Envelope {
  /// The body as the message that its kind names.
  package func decoded<M: Message>(as type: M.Type = M.self) throws(MessageError) -> M {
    do {
      return try M(serializedBytes: body)
    } catch {
      throw MessageError("body", "is not a valid \(M.protoMessageName)")
    }
  }

  /// Whether the sender waits for an answer.
  package var expectsReply: Bool { deadlineMs > 0 && correlationID.isEmpty }
}

extension Cpns_V1_Status {
  package init(_ code: Cpns_V1_Code, _ detail: String = "") {
    self.init()
    self.code = code
    self.detail = String(detail.prefix(512))
  }
}

extension IdempotencyID {
  /// 16 bytes, as an envelope has them.
  package init?(bytes: [UInt8]) {
    guard bytes.count == 16 else { return nil }
    self.init(uuid: bytes.withUnsafeBytes { UUID(uuid: $0.loadUnaligned(as: uuid_t.self)) })
  }
  package var bytes: [UInt8] { withUnsafeBytes(of: uuid.uuid) { Array($0) } }
}
