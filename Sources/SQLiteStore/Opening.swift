/// How much a commit means.
package enum Durability: Sendable, Equatable {
  /// WAL and synchronous=FULL: what was acknowledged survives a power cut.
  case full
  /// The control of the kill tests, which must catch it: says yes first, and commits up to 200 ms later without a flush.
  case unsafeForTesting
}

/// Who else may have the database open.
package enum Opening: Sendable {
  /// Nobody; `.unavailable` when somebody has.
  case alone
  /// A running owner may: a command beside its daemon. Without one it is the owner.
  case besideOwner
}
