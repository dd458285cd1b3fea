import CPNSModel
import Foundation
import GatewayCore
import SQLiteStore
import Testing

@Suite struct FullDiskTests {
  let folder: Folder
  init() throws { folder = try Folder() }

  /// A child process, because the limit on the size of files holds for all of it.
  @Test func aDiskThatTakesNoMoreIsToldAndReadsGoOnUntilThereIsRoomAgain() async throws {
    let path = folder.file("pngw.sqlite")
    await #expect(processExitsWith: .success) { [path = path as String] in
      let store = try SQLiteGatewayStore(path: path, clock: WallClock { Sample.now })
      let before = Sample.delivery(.delivered)
      try await store.commit([.putDelivery(before), .enqueue(Sample.draft(1))])
      signal(SIGXFSZ, SIG_IGN)
      // Refused in the middle of a page: what was half written must not count.
      limitFiles(to: 150_000)
      var stored = 1
      do throws(StoreError) {
        while stored < 1_000 {
          try await store.commit([.putDelivery(Sample.delivery(.accepted)), .enqueue(Sample.draft(2))])
          stored += 1
        }
        Issue.record("a thousand commits fit")
      } catch {
        #expect(isUnavailable(error))
      }
      #expect(try await store.delivery(before.order.id) == before)
      #expect(try await store.outboxDepth().messages == stored)
      await #expect(throws: StoreError.self) { try await store.commit([.enqueue(Sample.draft(200_000))]) }
      limitFiles(to: 1 << 30)
      try await store.commit([.enqueue(Sample.draft(4))])
      #expect(try await store.outboxDepth().messages == stored + 1)
      await store.close()
    }
    let store = try SQLiteGatewayStore(path: path, clock: WallClock { Sample.now })
    let state = try await store.load()
    #expect(try await store.outboxDepth().messages == state.deliveries.count + 2)
  }

  @Test func theOneWriteThatDoesNotFitFailsAndOthersAreNotHurt() async throws {
    let database = try Database(path: folder.file("a.sqlite"), schema: .numbers)
    _ = try await database.write { (connection) throws(SQLiteError) in try connection.row("PRAGMA max_page_count = 20") }
    await withTaskGroup(of: Void.self) { group in
      for n in 0..<20 {
        group.addTask {
          do throws(SQLiteError) {
            // Every fourth is larger than the whole database may be.
            try await database.add(n, note: n % 4 == 0 ? String(repeating: "x", count: 200_000) : nil)
            #expect(n % 4 != 0)
          } catch {
            if case .unavailable = error { #expect(n % 4 == 0) } else { Issue.record("\(error)") }
          }
        }
      }
    }
    #expect(try await database.numbers() == (0..<20).filter { $0 % 4 != 0 })
    _ = try await database.write { (connection) throws(SQLiteError) in try connection.row("PRAGMA max_page_count = 2000") }
    try await database.add(4, note: String(repeating: "x", count: 200_000))
  }
}

private func isUnavailable(_ error: StoreError) -> Bool { if case .unavailable = error { true } else { false } }

/// The soft limit only, so that it can be raised again.
private func limitFiles(to bytes: UInt) {
  var limit = rlimit()
  getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
  limit.rlim_cur = bytes
  #expect(setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0)
}
