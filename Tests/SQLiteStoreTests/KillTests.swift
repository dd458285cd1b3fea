import CPNSModel
import Dispatch
import Foundation
import GatewayCore
import SQLiteStore
import Testing

/// A child process commits as fast as it can, notes what was acknowledged, and is killed.
@Suite(.serialized) struct KillTests {
  let folder: Folder
  init() throws { folder = try Folder() }

  /// What a kill left.
  struct Remains {
    var acknowledged = 0
    var lost = 0
    /// The delivery has ended and nobody will be told.
    var untold = 0
  }

  @Test func nothingAcknowledgedIsLostByAKillAtAnyMoment() async throws {
    var acknowledged = 0
    for round in 0..<30 {
      let path = folder.file("full-\(round)")
      await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
        try await commitUntilKilled(path, durability: .full)
      }
      let remains = try await remains(path)
      #expect(remains.lost == 0 && remains.untold == 0, "round \(round)")
      acknowledged += remains.acknowledged
    }
    #expect(acknowledged > 300)
  }

  @Test func theControlIsCaught() async throws {
    var remains = Remains()
    // Each kill is at a random moment, and one may hit when nothing was under way.
    for round in 0..<40 where remains.lost == 0 || remains.untold == 0 {
      let path = folder.file("unsafe-\(round)")
      await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
        try await commitUntilKilled(path, durability: .unsafeForTesting)
      }
      let more = try await self.remains(path)
      remains.lost += more.lost
      remains.untold += more.untold
    }
    #expect(remains.lost > 0)
    #expect(remains.untold > 0)
  }

  private func remains(_ path: String) async throws -> Remains {
    let store = try SQLiteGatewayStore(path: path, clock: WallClock { Sample.now })
    _ = try await store.load()
    let outbox = Set(try await store.outbox(after: 0, limit: .max).map { DeliveryID(uuid: $0.draft.idempotency.uuid) })
    var remains = Remains()
    for line in try String(contentsOfFile: path + ".acknowledged", encoding: .utf8).split(separator: "\n") {
      remains.acknowledged += 1
      let delivery = try #require(DeliveryID(urn: line.dropFirst(2)))
      let state = try await store.delivery(delivery)?.state
      if state == nil || (line.hasPrefix("e") && state != .delivered) { remains.lost += 1 }
      if (state == .delivered) != outbox.contains(delivery) { remains.untold += 1 }
    }
    await store.close()
    return remains
  }
}

/// Eight writers, each with one delivery after the other: accepted, then ended with a message in the outbox.
private func commitUntilKilled(_ path: String, durability: Durability) async throws {
  let store = try SQLiteGatewayStore(path: path, clock: WallClock { Sample.now }, durability: durability)
  let acknowledged = open(path + ".acknowledged", O_WRONLY | O_CREAT | O_APPEND, 0o600)
  let note: @Sendable (String) -> Void = { line in _ = line.withCString { Glibc.write(acknowledged, $0, strlen($0)) } }
  DispatchQueue(label: "killer").asyncAfter(deadline: .now() + .microseconds(.random(in: 1_000...(durability == .full ? 150_000 : 1_000_000)))) {
    kill(getpid(), SIGKILL)
  }
  await withThrowingTaskGroup(of: Void.self) { group in
    for _ in 0..<8 {
      group.addTask {
        while true {
          var delivery = Sample.delivery(.accepted)
          try await store.commit([.putDelivery(delivery)])
          note("a \(delivery.order.id)\n")
          delivery.state = .delivered
          var draft = Sample.draft(9)
          draft.idempotency = IdempotencyID(uuid: delivery.order.id.uuid)
          try await store.commit([.putDelivery(delivery), .enqueue(draft)])
          note("e \(delivery.order.id)\n")
        }
      }
    }
  }
}
