import CPNSMessages
import CPNSModel
import GatewayCore
import SwiftProtobuf
import Synchronization

/// A store in memory that keeps what was asked of it, and fails or waits when the test says so.
final class MemoryStore: GatewayStore {
  struct Contents: Sendable {
    var gateway = EntityID.random()
    var pn: PersonalNetworkState?
    var entries: [EntityID: InventoryEntry] = [:]
    var pairings: [EntityID: Pairing] = [:]
    var deliveries: [DeliveryID: DeliveryRecord] = [:]
    var outbox: [OutboxMessage] = []
    var sequence: Int64 = 0
    var commits: [[StoreOperation]] = []
    var writeFailure: StoreError?
    var failuresLeft = Int.max
    var readFailure: StoreError?
    var isHeld = false
    var held: [CheckedContinuation<Void, Never>] = []
  }
  private let contents = Mutex(Contents())

  init(_ change: (inout sending Contents) -> Void = { _ in }) { contents.withLock { change(&$0) } }

  var now: Contents { contents.withLock { $0 } }
  /// Inventory changes, snapshots, results and reports that wait for the server.
  var outbox: [OutboxMessage] { now.outbox }
  func set(_ change: (inout sending Contents) -> Void) { contents.withLock { change(&$0) } }

  /// - Parameter times: how many commits fail, the next ones.
  func failWrites(_ failure: StoreError? = .unavailable("the disk is full"), times: Int = .max) {
    contents.withLock {
      $0.writeFailure = failure
      $0.failuresLeft = times
    }
  }
  func failReads(_ failure: StoreError? = .unavailable("the disk is away")) { contents.withLock { $0.readFailure = failure } }

  /// Commits wait from now on, until ``release()``.
  func hold() { contents.withLock { $0.isHeld = true } }
  func release() {
    let held = contents.withLock { contents in
      contents.isHeld = false
      defer { contents.held = [] }
      return contents.held
    }
    for continuation in held { continuation.resume() }
  }
  var waiting: Int { now.held.count }

  func load() async throws(StoreError) -> GatewayState {
    let now = now
    return GatewayState(
      gateway: now.gateway, pn: now.pn, entries: Array(now.entries.values), pairings: Array(now.pairings.values),
      deliveries: now.deliveries.values.filter { !$0.state.isFinal })
  }

  func commit(_ operations: [StoreOperation]) async throws(StoreError) {
    await withCheckedContinuation { continuation in
      let mayGo = contents.withLock { contents in
        if contents.isHeld { contents.held.append(continuation) }
        return !contents.isHeld
      }
      if mayGo { continuation.resume() }
    }
    let failure = contents.withLock { contents in
      if let failure = contents.writeFailure, contents.failuresLeft > 0 {
        contents.failuresLeft -= 1
        return failure as StoreError?
      }
      contents.commits.append(operations)
      for operation in operations { Self.apply(operation, &contents) }
      return nil
    }
    if let failure { throw failure }
  }

  private static func apply(_ operation: StoreOperation, _ contents: inout Contents) {
    switch operation {
    case .setPN(let pn): contents.pn = pn
    case .putEntry(let entry): contents.entries[entry.id] = entry
    case .removeEntry(let id): contents.entries[id] = nil
    case .putPairing(let pairing): contents.pairings[pairing.element] = pairing
    case .removePairing(let id): contents.pairings[id] = nil
    case .putDelivery(let record):
      if contents.deliveries[record.order.id]?.state.isFinal != true { contents.deliveries[record.order.id] = record }
    case .enqueue(let draft):
      contents.sequence += 1
      contents.outbox.append(OutboxMessage(sequence: contents.sequence, draft: draft))
    case .acknowledge(let after, let upTo): contents.outbox.removeAll { $0.sequence > after && $0.sequence <= upTo }
    }
  }

  func delivery(_ id: DeliveryID) async throws(StoreError) -> DeliveryRecord? { try reading { $0.deliveries[id] } }
  func endedDeliveries(limit: Int) async throws(StoreError) -> [DeliveryRecord] {
    try reading { Array($0.deliveries.values.filter(\.state.isFinal).prefix(limit)) }
  }
  func outbox(after sequence: Int64, limit: Int) async throws(StoreError) -> [OutboxMessage] {
    try reading { Array($0.outbox.filter { $0.sequence > sequence }.prefix(limit)) }
  }
  func lastSequence() async throws(StoreError) -> Int64 { try reading { $0.outbox.last?.sequence ?? 0 } }
  func outboxDepth() async throws(StoreError) -> OutboxDepth {
    try reading { OutboxDepth(messages: $0.outbox.count, oldest: $0.outbox.first?.draft.made) }
  }

  private func reading<T>(_ body: (Contents) -> T) throws(StoreError) -> T {
    let now = now
    if let failure = now.readFailure { throw failure }
    return body(now)
  }
}

extension OutboxMessage {
  var kind: Cpns_V1_Kind? { Cpns_V1_Kind(rawValue: draft.kind) }
  var changes: Cpns_V1_InventoryChanges? { kind == .inventoryChanges ? try? Cpns_V1_InventoryChanges(serializedBytes: draft.body) : nil }
  var snapshot: Cpns_V1_InventorySnapshot? { kind == .inventorySnapshot ? try? Cpns_V1_InventorySnapshot(serializedBytes: draft.body) : nil }
  var result: Cpns_V1_DeliveryResult? { kind == .deliveryResult ? try? Cpns_V1_DeliveryResult(serializedBytes: draft.body) : nil }
  var usage: Cpns_V1_UsageReport? { kind == .usageReport ? try? Cpns_V1_UsageReport(serializedBytes: draft.body) : nil }
}
