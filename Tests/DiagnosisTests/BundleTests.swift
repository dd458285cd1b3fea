import CPNSModel
import Diagnosis
import Foundation
import Glibc
import Testing

@Suite struct RedactionTests {
  struct Holder: Encodable {
    var pin = Secret("hunter2")
    var names: [Private]
    var nested: [String: Secret<[UInt8]>] = ["key": Secret(Array("hunter2".utf8))]
  }

  @Test func aSecretHasNoText() throws {
    var aliases = Aliases()
    let holder = Holder(names: [aliases.hide("hunter2", as: "content"), aliases.hide("other", as: "content"), aliases.hide("hunter2", as: "content")])
    var dumped = ""
    dump(holder, to: &dumped)
    let json = String(decoding: try JSONEncoder().encode(holder), as: UTF8.self)
    for text in ["\(holder)", String(reflecting: holder), String(describing: holder.pin), dumped, json] { #expect(!text.contains("hunter2")) }
    #expect(json.contains(#""(hidden)""#) && json.contains(#"["content-1","content-2","content-1"]"#))
  }

  @Test func aliasesAreBounded() {
    var aliases = Aliases()
    for number in 0..<10_000 { _ = aliases.hide("n\(number)", as: "c") }
    #expect("\(aliases.hide("another", as: "c"))" == "c-4096" && "\(aliases.hide("n7", as: "c"))" == "c-8")
  }
}

@Suite struct TarTests {
  @Test func everySystemCanOpenIt() throws {
    var tar = Tar()
    tar.add(.init(name: "a.txt", bytes: Array("hello\n".utf8)))
    tar.add(.init(name: "empty", bytes: []))
    tar.add(.init(name: "block", bytes: [UInt8](repeating: 65, count: 512)))
    let file = URL(filePath: NSTemporaryDirectory()).appending(path: "pngw-\(UUID().uuidString).tar")
    defer { try? FileManager.default.removeItem(at: file) }
    try Data(tar.archive(folder: "x", seconds: 1_790_000_000)).write(to: file)
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["tar", "-tvf", file.path]
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    let listing = String(decoding: pipe.fileHandleForReading.all(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationStatus == 0 && listing.contains("x/a.txt") && listing.contains("x/empty") && listing.contains(" 512 ") && listing.contains("-rw-------"))
  }

  @Test func aBundleIsBoundedAndSaysWhatWasLeftOut() {
    var bundle = SupportBundle()
    for number in 0..<40 { bundle.add("big-\(number)", "Big.", text: String(repeating: "x", count: 2 << 20)) }
    let bytes = bundle.archive(at: Timestamp(milliseconds: 1_790_000_000_000), missing: ["the gateway: it is down"])
    #expect(bytes.count < Tar.limit + (64 << 10) && bytes.count % 512 == 0)
    let manifest = String(decoding: bytes[512..<8192], as: UTF8.self)
    #expect(manifest.contains("big-0, 1048576 bytes, and 1048576 more that were left out") && manifest.contains("the gateway: it is down"))
  }
}

extension FileHandle {
  /// What comes next, at most 64 KiB; empty at the end. Foundation's own reading ends the process when a signal interrupts it (a child's end is one).
  func next() -> [UInt8] {
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let count = Glibc.read(fileDescriptor, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      return Array(buffer.prefix(max(count, 0)))
    }
  }

  func all() -> [UInt8] {
    var bytes: [UInt8] = []
    while case let piece = next(), !piece.isEmpty { bytes += piece }
    return bytes
  }
}
