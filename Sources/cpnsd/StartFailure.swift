import ArgumentParser
import Glibc
import ServerCore

/// Why the server did not start, ended by itself, or a command did not do what it was asked.
enum StartFailure: Error, CustomStringConvertible {
  /// A file or a setting is wrong.
  case configuration(String)
  /// Something that another try may find.
  case unavailable(String)

  /// sysexits(3): the service manager does not start us again for the first, a person must.
  var exitStatus: Int32 {
    switch self {
    case .configuration: 78
    case .unavailable: 1
    }
  }

  var description: String {
    switch self {
    case .configuration(let text), .unavailable(let text): text
    }
  }

  /// Runs a command; what goes wrong is told on standard error, and by the exit status.
  static func becomesExitStatus(_ command: () async throws(StartFailure) -> Void) async throws {
    do throws(StartFailure) { try await command() } catch {
      say("cpnsd: \(error)", to: 2)
      throw ExitCode(error.exitStatus)
    }
  }

  init(_ failure: ServerFailure) {
    self =
      switch failure {
      case .notFound(let what): .unavailable("there is no \(what)")
      case .invalid(let field, let problem): .unavailable("\(field): \(problem)")
      case .conflict(let text, let remedy), .full(let text, let remedy): .unavailable("\(text); \(remedy)")
      case .tooLarge(let limit): .unavailable("larger than \(limit) bytes")
      case .noRoom(let text), .unavailable(let text): .unavailable(text)
      }
  }

  init(_ error: ServerStoreError) {
    self =
      switch error {
      case .unavailable, .unmet: .unavailable(error.words)
      case .damaged, .newer: .configuration(error.words)
      }
  }
}

/// One line for a person.
func say(_ text: String, to descriptor: CInt) {
  let line = Array((text + "\n").utf8)
  _ = write(descriptor, line, line.count)
}
