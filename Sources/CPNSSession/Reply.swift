package import CPNSMessages
package import SwiftProtobuf

extension Reply {
  package static func status(_ code: Cpns_V1_Code, _ detail: String = "") -> Reply {
    Reply(kind: .status, body: Cpns_V1_Status(code, detail).bytes)
  }

  package static func message(_ kind: Cpns_V1_Kind, _ message: some Message) -> Reply {
    Reply(kind: kind, body: message.bytes)
  }

  /// What to answer when a body did not hold what it should.
  package static func malformed(_ error: MessageError) -> Reply { .status(.malformed, error.description) }
}
