import CPNSModel
import ContentFiles
import Foundation
import GatewayCore
import Logging
import Testing

@Suite struct ContentDirectoryTests {
  let folder = FileManager.default.temporaryDirectory.appending(path: "content-\(UUID())").path

  func directory(quota: UInt64 = 1 << 30) async throws -> ContentDirectory {
    var logger = Logger(label: "test")
    logger.logLevel = .warning
    let directory = ContentDirectory(folder: folder, quota: quota, logger: logger) { SHA256() }
    try await directory.prepare()
    return directory
  }

  func content(_ bytes: [UInt8]?, size: UInt64? = nil, id: ContentID = .random()) -> ContentDescription {
    ContentDescription(id: id, name: "a.mp4", mediaType: "video/mp4", size: size ?? bytes.map { UInt64($0.count) }, sha256: bytes.map { SHA256.of($0) })
  }

  func someBytes(_ count: Int, seed: UInt8 = 1) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ Int(seed)) } }

  func file(of content: ContentDescription) -> String { "\(folder)/\(content.id.uuid.uuidString.lowercased())" }

  @Test func theHasherOfTheseTestsIsSHA256() {
    #expect(SHA256.of(Array("abc".utf8)).map { String($0, radix: 16) }.joined().hasPrefix("ba7816bf8f1cfea414140de5dae2223b"))
  }

  @Test func contentThatCameInPiecesIsWholeAndStaysSo() async throws {
    let bytes = someBytes(200_000)
    let description = content(bytes)
    do {
      let staged = try await directory().open(description)
      for start in stride(from: 0, to: bytes.count, by: 64_000) {
        try await staged.append(Array(bytes[start..<min(bytes.count, start + 64_000)]), at: UInt64(start))
      }
      #expect(!staged.isWhole)
      #expect(try await staged.finish() == SHA256.of(bytes))
      #expect(staged.isWhole)
      #expect(try [UInt8](Data(contentsOf: URL(filePath: staged.path))) == bytes)
    }
    let again = try await directory().open(description)
    #expect(again.isWhole && again.available == 200_000)
    #expect(try await again.read(at: 199_990, count: 100) == Array(bytes.suffix(10)))
    #expect(try await again.finish() == SHA256.of(bytes))
    try FileManager.default.removeItem(atPath: folder)
  }

  @Test func anInterruptedContentGoesOnWhereItWas() async throws {
    let bytes = someBytes(100_000)
    let description = content(bytes)
    try await directory().open(description).append(Array(bytes.prefix(70_000)), at: 0)
    let staged = try await directory().open(description)
    #expect(staged.available == 70_000)
    try await staged.append(Array(bytes.suffix(30_000)), at: 70_000)
    try await staged.finish()
    #expect(staged.isWhole)
    try FileManager.default.removeItem(atPath: folder)
  }

  @Test func anInterruptedContentWithoutAHashBeginsAnew() async throws {
    let description = content(nil)
    try await directory().open(description).append([1, 2, 3], at: 0)
    #expect(try await directory().open(description).available == 0)
    try FileManager.default.removeItem(atPath: folder)
  }

  @Test func anEndTornByAPowerCutIsCaughtByTheHash() async throws {
    let bytes = someBytes(100_000)
    let description = content(bytes)
    try await directory().open(description).append(Array(bytes.prefix(70_000)), at: 0)
    let handle = try #require(FileHandle(forWritingAtPath: file(of: description)))
    try handle.seek(toOffset: 69_000)
    handle.write(Data(count: 1_000))
    try handle.close()
    let staged = try await directory().open(description)
    try await staged.append(Array(bytes.suffix(30_000)), at: 70_000)
    await #expect { try await staged.finish() } throws: { if case .mismatch = $0 as? StageError { true } else { false } }
    await #expect { try await staged.append([1], at: 100_000) } throws: { if case .mismatch = $0 as? StageError { true } else { false } }
    try await staged.restart()
    try await staged.append(bytes, at: 0)
    try await staged.finish()
    #expect(staged.isWhole)
    try FileManager.default.removeItem(atPath: folder)
  }

  @Test(arguments: ["", "{", #"{"size":5,"sha256":"00"}"#, #"{"size":100000,"sha256":"zz"}"#, #"{"size":100000,"sha256":"0"}"#])
  func aTornOrForeignMarkDoesNotMakeAContentWhole(_ mark: String) async throws {
    let bytes = someBytes(100_000)
    let description = content(bytes)
    try await directory().open(description).append(bytes, at: 0)
    try Data(mark.utf8).write(to: URL(filePath: file(of: description) + ".whole"))
    let staged = try await directory().open(description)
    #expect(!staged.isWhole && staged.available == 100_000)
    try await staged.finish()
    #expect(staged.isWhole)
    try FileManager.default.removeItem(atPath: folder)
  }

  @Test func whatDoesNotFitIsRefused() async throws {
    let staged = try await directory().open(content(nil, size: 10))
    await #expect(throws: StageError.outOfOrder(expected: 0, got: 5)) { try await staged.append([1], at: 5) }
    await #expect { try await staged.append([UInt8](repeating: 0, count: 11), at: 0) } throws: { if case .mismatch = $0 as? StageError { true } else { false } }
    try await staged.append([1, 2, 3], at: 0)
    await #expect { try await staged.finish() } throws: { if case .mismatch = $0 as? StageError { true } else { false } }
    // And it can go on.
    try await staged.append([4, 5, 6, 7, 8, 9, 10], at: 3)
    try await staged.finish()
    #expect(try await staged.read(at: 0, count: 99) == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    try FileManager.default.removeItem(atPath: folder)
  }

  @Test func twoDeliveriesMayBringTheSameContentAtOnce() async throws {
    let bytes = someBytes(1_000_000)
    let directory = try await directory()
    let description = content(bytes)
    let first = try await directory.open(description)
    let second = try await directory.open(description)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for (staged, step) in [(first, 10_000), (second, 17_000)] {
        group.addTask {
          var offset = 0
          while offset < bytes.count {
            let end = min(bytes.count, offset + step)
            try await staged.append(Array(bytes[offset..<end]), at: UInt64(offset))
            offset = end
          }
          try await staged.finish()
        }
      }
      try await group.waitForAll()
    }
    #expect(first.isWhole && second.isWhole)
    #expect(directory.used == 1_000_000)
    try FileManager.default.removeItem(atPath: folder)
  }

  @Test func readersBehindAWriterGetEverythingAndTheEnd() async throws {
    let bytes = someBytes(500_000)
    let staged = try await directory().open(content(bytes))
    try await withThrowingTaskGroup(of: [UInt8].self) { group in
      for _ in 0..<8 {
        group.addTask {
          var all: [UInt8] = []
          while try await staged.waitForBytes(past: UInt64(all.count)) > all.count { all += try await staged.read(at: UInt64(all.count), count: 70_000) }
          return all
        }
      }
      group.addTask {
        for start in stride(from: 0, to: bytes.count, by: 9_000) { try await staged.append(Array(bytes[start..<min(bytes.count, start + 9_000)]), at: UInt64(start)) }
        try await staged.finish()
        return bytes
      }
      for try await read in group { #expect(read == bytes) }
    }
    try FileManager.default.removeItem(atPath: folder)
  }

  @Test func aReaderThatWaitsLearnsThatTheSourceFailedAndAnotherTryHelps() async throws {
    let staged = try await directory().open(content(nil))
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        await #expect(throws: StageError.source("the link was lost")) { _ = try await staged.waitForBytes(past: 0) }
      }
      await staged.fail("the link was lost")
      try await group.waitForAll()
    }
    try await staged.append([1], at: 0)
    #expect(try await staged.waitForBytes(past: 0) == 1)
    try FileManager.default.removeItem(atPath: folder)
  }

  @Test func aReaderThatIsCancelledGoes() async throws {
    let staged = try await directory().open(content(nil))
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await #expect(throws: StageError.self) { _ = try await staged.waitForBytes(past: 0) } }
      group.cancelAll()
    }
    try FileManager.default.removeItem(atPath: folder)
  }

  @Test func aReaderOfContentThatBeganAnewIsTold() async throws {
    let staged = try await directory().open(content(nil))
    try await staged.append([1, 2, 3], at: 0)
    let reader = try #require(FileHandle(forReadingAtPath: staged.path))
    try await staged.restart()
    await #expect { _ = try await staged.waitForBytes(past: 3) } throws: { if case .mismatch = $0 as? StageError { true } else { false } }
    // What it has open is as it was.
    #expect(try reader.readToEnd() == Data([1, 2, 3]))
    try FileManager.default.removeItem(atPath: folder)
  }

  @Test func theOldestUnusedContentMakesRoomAndAUsedOneStays() async throws {
    let directory = try await directory(quota: 1_000)
    let contents = (0..<3).map { content(someBytes(300, seed: UInt8($0))) }
    var used: (any StagedContent)?
    for (number, description) in contents.enumerated() {
      let staged = try await directory.open(description)
      try await staged.append(someBytes(300, seed: UInt8(number)), at: 0)
      try await staged.finish()
      if number == 0 { used = staged }
    }
    let fourth = try await directory.open(content(someBytes(350, seed: 9)))
    try await fourth.append(someBytes(350, seed: 9), at: 0)
    #expect(used?.isWhole == true)
    #expect(contents.map { FileManager.default.fileExists(atPath: file(of: $0)) } == [true, false, true])
    #expect(directory.used == 950)
    try FileManager.default.removeItem(atPath: folder)
  }

  @Test func aFullQuotaIsSaidAndNothingIsLost() async throws {
    let directory = try await directory(quota: 1_000)
    await #expect { _ = try await directory.open(content(nil, size: 1_001)) } throws: { if case .full = $0 as? StageError { true } else { false } }
    let first = try await directory.open(content(nil))
    let second = try await directory.open(content(nil))
    try await first.append(someBytes(900), at: 0)
    await #expect { try await second.append([UInt8](repeating: 0, count: 200), at: 0) } throws: { if case .full = $0 as? StageError { true } else { false } }
    #expect(second.available == 0)
    try await second.append([1], at: 0)
    try await first.finish()
    #expect(try await first.read(at: 0, count: 1_000) == someBytes(900))
    try FileManager.default.removeItem(atPath: folder)
  }

  @Test func removedContentIsGoneWhenItsLastUserIs() async throws {
    let directory = try await directory()
    let description = content(someBytes(10))
    var staged: (any StagedContent)? = try await directory.open(description)
    try await staged?.append(someBytes(10), at: 0)
    await directory.remove(description.id)
    #expect(try await staged?.read(at: 0, count: 10) == someBytes(10))
    // Whoever asks before it is gone, has it.
    #expect(try await directory.open(description).available == 10)
    await directory.remove(description.id)
    staged = nil
    await directory.remove(.random())
    #expect(!FileManager.default.fileExists(atPath: file(of: description)))
    #expect(directory.used == 0)
    try FileManager.default.removeItem(atPath: folder)
  }

  @Test func foreignFilesInTheFolderAreLeftAlone() async throws {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try Data(count: 5_000).write(to: URL(filePath: "\(folder)/holiday.jpg"))
    let directory = try await directory(quota: 1_000)
    #expect(directory.used == 0)
    try await directory.open(content(nil)).append(someBytes(1_000), at: 0)
    #expect(FileManager.default.fileExists(atPath: "\(folder)/holiday.jpg"))
    try FileManager.default.removeItem(atPath: folder)
  }

  @Test func aNameThatPointsElsewhereIsNotFollowed() async throws {
    let description = content(nil)
    let directory = try await directory()
    let target = "\(folder)/target"
    try Data("keep".utf8).write(to: URL(filePath: target))
    try FileManager.default.createSymbolicLink(atPath: file(of: description), withDestinationPath: target)
    await #expect(throws: StageError.self) { _ = try await directory.open(description) }
    #expect(try String(contentsOf: URL(filePath: target), encoding: .utf8) == "keep")
    try FileManager.default.removeItem(atPath: folder)
  }
}
