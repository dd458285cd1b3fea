/// The version of everything that is built from this source.
package enum Version {
  package static let text = "0.1.0"
  /// When it was made, at the earliest: no clock is right that is before. Moves with ``text``.
  package static let released = Timestamp(milliseconds: 1_767_225_600_000)
}
