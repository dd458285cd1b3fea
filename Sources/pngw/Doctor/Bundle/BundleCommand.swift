import AdminProtocol
import ArgumentParser
import CPNSModel
import Diagnosis
import Glibc

struct BundleCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bundle", abstract: "Put together what somebody needs who helps from afar.",
    discussion: "A tar file with a manifest; read it before it leaves. Holds no secrets. Works while pngwd is down, and best as root.")
  @OptionGroup var local: LocalOptions
  @Option(name: [.customShort("o"), .long], help: "The file to be made: NAME.tar; it must not be there yet.") var output: String

  func run() throws {
    let terminal = Terminal()
    guard output.hasSuffix(".tar") else { throw ControlFailure.usage("-o: expected NAME.tar; pack it afterwards if you like (gzip NAME.tar)") }
    let doctor = Doctor(local)
    let report = doctor.examine { terminal.progress("looking at: \($0)") }
    terminal.progressEnded()
    let (bundle, missing) = BundleContents(doctor: doctor, report: report).make()
    try write(bundle.archive(at: doctor.now, missing: missing))
    terminal.say("\(output) is made; tar -xf \(output) unpacks it, and MANIFEST.txt says what is in it")
  }

  private func write(_ bytes: [UInt8]) throws(ControlFailure) {
    let file = open(output, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw .failed("\(output): \(String(cString: strerror(errno)))") }
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
      guard count > 0 else {
        let why = String(cString: strerror(errno))
        close(file)
        unlink(output)
        throw .failed("\(output): \(why)")
      }
      rest = rest.dropFirst(count)
    }
    guard close(file) == 0 else { throw .failed("\(output): \(String(cString: strerror(errno)))") }
  }
}
