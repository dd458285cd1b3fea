import AdminProtocol
import ArgumentParser
import CPNSModel
import Diagnosis
import FoundationEssentials
import Glibc

/// What `pngwctl doctor` and `pngwctl bundle` are told.
struct LocalOptions: ParsableArguments {
  @Option(name: [.short, .long], help: "The configuration file of pngwd.")
  var config = "/etc/pngw/pngw.toml"

  @Option(help: "The gateway's admin socket; as configured when left out.")
  var socket: String?

  @Option(help: "The user that pngwd runs as; found out when left out.")
  var user: String?
}

struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor", abstract: "Find out what is wrong, step by step, and what to do.",
    discussion: "Works while pngwd is down. As root it sees most. Exit status 0: nothing graver than a notice. 1: something is wrong.")
  @OptionGroup var local: LocalOptions
  @Flag(help: "Print what was found as JSON.") var json = false

  func run() throws {
    let terminal = Terminal()
    let report = Doctor(local).examine { step in if !json { terminal.progress("looking at: \(step)") } }
    terminal.progressEnded()
    if json { terminal.give(DoctorText.json(report)) } else { terminal.say(DoctorText.lines(report, terminal.paint)) }
    if !report.isWell { throw ExitCode(1) }
  }
}

/// A report as people and programs read it.
enum DoctorText {
  static func json(_ report: DoctorReport) -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]
    return (try? encoder.encode(report)).map { Array($0) } ?? []  // its texts are Unicode, and its numbers are none
  }

  static func lines(_ report: DoctorReport, _ paint: Paint) -> [String] {
    let body = DoctorScreen.lines(report).flatMap { line -> [String] in
      switch line {
      case .step(let step, let mark): [head(step, mark, paint)]
      case .seen(let text): wrapped(text, margin: 4).map(paint.faint)
      case .finding(let finding): Self.finding(finding, paint)
      }
    }
    return body + ["", summary(report, paint)]
  }

  private static func head(_ step: String, _ mark: String, _ paint: Paint) -> String {
    let colour: (String) -> String =
      switch mark {
      case "ok": paint.good
      case "error": paint.bad
      case "warning": paint.doubtful
      default: paint.faint
      }
    return step + String(repeating: " ", count: max(1, 16 - step.count)) + colour(mark)
  }

  private static func finding(_ finding: Finding, _ paint: Paint) -> [String] {
    let colour = finding.severity == .error ? paint.bad : finding.severity == .warning ? paint.doubtful : paint.plain
    let subject = finding.subject.isEmpty ? "" : " (\(Printable.text(finding.subject)))"
    return wrapped("\(finding.severity.rawValue): \(finding.code.rawValue)\(subject)", margin: 2).map(colour)
      + wrapped(finding.evidence, margin: 4) + wrapped("remedy: " + finding.remedy, margin: 4)
  }

  private static func wrapped(_ text: String, margin: Int) -> [String] {
    Printable.wrapped(Printable.text(text), to: TextTable.columns - margin).map { String(repeating: " ", count: margin) + $0 }
  }

  private static func summary(_ report: DoctorReport, _ paint: Paint) -> String {
    let count = report.findings.count { $0.severity > .notice }
    return report.isWell ? paint.good("all is well") : paint.bad("\(Phrases.count(count, "thing is", "things are")) wrong")
  }
}
