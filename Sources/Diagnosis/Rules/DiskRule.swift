/// Room on the state directory's disk, and the life of what it is on.
package enum DiskRule {
  /// Below this the database's log can't be folded in.
  package static let full: UInt64 = 8 << 20
  /// Below this a day of an outage may not fit.
  package static let low: UInt64 = 64 << 20
  /// Of the life of eMMC, in tenths; beyond it a person should know.
  static let worn = 9

  package static func findings(free: UInt64, total: UInt64, directory: String) -> [Finding] {
    guard free < low else { return [] }
    let place = directory.isEmpty ? "the disk of the state directory" : "the disk of \(directory)"
    return [Finding(
      free < full ? .diskFull : .diskLow, evidence: "\(place) has \(free >> 20) MiB free of \(total >> 20) MiB",
      remedy: "remove files from \(directory.isEmpty ? "that disk" : "the disk of \(directory)") that are not pngwd's, until \(low >> 20) MiB are free")]
  }

  /// - Parameter text: `life_time` of an eMMC in sysfs (JESD84-B51, DEVICE_LIFE_TIME_EST): two tenths in hexadecimal.
  package static func wear(_ text: String, device: String) -> [Finding] {
    let tenths = text.split(whereSeparator: \.isWhitespace).compactMap { Int($0.hasPrefix("0x") ? $0.dropFirst(2) : $0, radix: 16) }
    guard let most = tenths.max(), most >= worn else { return [] }
    return [Finding(
      .diskWorn, subject: device, evidence: "\(device) says that \(min(most, 10) * 10) % of its life is used",
      remedy: "replace \(device), and restore the state directory from a backup")]
  }
}
