import AdminProtocol

/// Why a command did not do what it was told to.
enum ControlFailure: Error {
  /// The gateway said no.
  case refused(ErrorReply.Problem)
  /// It was tried and did not come about: a delivery that failed, a window that closed.
  case failed(String)
  /// What was typed can't be meant.
  case usage(String)
  /// There is no gateway to talk to, or it stopped talking.
  case unreachable(String, remedy: String)

  var status: Int32 {
    switch self {
    case .refused, .failed: 1
    case .usage: 2
    case .unreachable: 3
    }
  }

  var lines: [String] {
    switch self {
    case .refused(let problem): [problem.message, "remedy: " + problem.remedy]
    case .failed(let text), .usage(let text): [text]
    case .unreachable(let text, let remedy): [text, "remedy: " + remedy]
    }
  }
}
