import CPNSModel
import Foundation
import GatewayCore
import Synchronization

/// Staged content whose bytes come when a test says so.
final class GrowingFile: StagedContent {
  private struct State {
    var available: UInt64 = 0
    var isWhole = false
    var failure: StageError?
    var waiters: [CheckedContinuation<Void, Never>] = []
  }
  let description: ContentDescription
  let path: String
  private let state = Mutex(State())

  init(name: String = "clip.mp4", mediaType: String = "video/mp4", size: UInt64?) {
    description = ContentDescription(id: .random(), name: name, mediaType: mediaType, size: size, sha256: nil)
    path = FileManager.default.temporaryDirectory.appending(path: "relay-\(UUID())").path
    _ = FileManager.default.createFile(atPath: path, contents: nil)
  }

  convenience init(whole bytes: [UInt8], name: String = "clip.mp4", mediaType: String = "video/mp4") {
    self.init(name: name, mediaType: mediaType, size: UInt64(bytes.count))
    write(bytes)
    end()
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  var available: UInt64 { state.withLock { $0.available } }
  var isWhole: Bool { state.withLock { $0.isWhole } }

  func write(_ bytes: [UInt8]) {
    guard let handle = FileHandle(forWritingAtPath: path) else { return }
    handle.seekToEndOfFile()
    handle.write(Data(bytes))
    try? handle.close()
    change { $0.available += UInt64(bytes.count) }
  }
  func end() { change { $0.isWhole = true } }
  func fail(_ reason: String) { change { $0.failure = .source(reason) } }

  private func change(_ body: (inout State) -> Void) {
    let waiters = state.withLock { state in
      body(&state)
      defer { state.waiters = [] }
      return state.waiters
    }
    for waiter in waiters { waiter.resume() }
  }

  func append(_ bytes: [UInt8], at offset: UInt64) async throws(StageError) { write(bytes) }
  func finish() async throws(StageError) -> [UInt8] { [] }
  func restart() async throws(StageError) {
    try? FileManager.default.removeItem(atPath: path)
    _ = FileManager.default.createFile(atPath: path, contents: nil)
    change { $0.available = 0 }
  }

  func waitForBytes(past offset: UInt64) async throws(StageError) -> UInt64 {
    while true {
      let (answer, failure): (UInt64?, StageError?) = state.withLock { state in
        if state.available > offset || state.isWhole { return (state.available, nil) }
        return (nil, state.failure)
      }
      if let answer { return answer }
      if let failure { throw failure }
      await withTaskCancellationHandler {
        await withCheckedContinuation { continuation in
          let now = state.withLock { state in
            if state.available > offset || state.isWhole || state.failure != nil || Task.isCancelled { return true }
            state.waiters.append(continuation)
            return false
          }
          if now { continuation.resume() }
        }
      } onCancel: { change { _ in } }
      if Task.isCancelled { throw .source("cancelled") }
    }
  }

  func read(at offset: UInt64, count: Int) async throws(StageError) -> [UInt8] { [] }
}

func someBytes(_ count: Int, seed: Int = 1) -> [UInt8] {
  [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
    for index in 0..<count { buffer[index] = UInt8(truncatingIfNeeded: index &* 31 &+ index >> 8 &+ seed) }
    filled = count
  }
}
