import AdminProtocol
import CPNSModel
import Diagnosis
import FoundationEssentials
import Glibc
import MediaProtocol

/// Whether the gateway answers, and what it says of itself.
struct GatewayProbe {
  /// A gateway that does not answer in this time hangs: it answers in milliseconds.
  static let seconds = 5

  let socket: String
  let answer: GatewayRule.Answer
  let status: StatusReply?
  /// The user that serves the socket.
  let user: UInt32?

  var software: String? { status?.software }
  var warnings: [StatusReply.Warning]? { status?.warnings }
  var isThere: Bool { if case .absent = answer { false } else { true } }

  init(socket path: String) {
    socket = path
    var seen: (answer: GatewayRule.Answer, status: StatusReply?, user: UInt32?)
    do throws(ControlFailure) {
      let connection = try UnixSocket(path: path)
      seen = (.silent(seconds: Self.seconds), nil, connection.peerUser)
      _ = try connection.send(AdminClient.head("GET", Target("status"), [])[...])
      if try connection.isReadable(within: Self.seconds * 1000) {
        let body = try AdminClient.answer(on: connection)
        // One of another version: nothing is said of it.
        seen = (.answers, try? JSONDecoder().decode(StatusReply.self, from: Data(body)), seen.user)
      }
    } catch {
      seen = (Self.answer(error), nil, nil)
    }
    (answer, status, user) = seen
  }

  private static func answer(_ failure: ControlFailure) -> GatewayRule.Answer {
    switch failure {
    case .unreachable(let why, _): .absent(why)
    case .refused(let problem): .refused(problem.message)
    case .failed(let why), .usage(let why): .refused(why)
    }
  }
}
