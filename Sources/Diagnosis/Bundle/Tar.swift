/// Files in one archive that every system can open: POSIX ustar (IEEE Std 1003.1, pax).
package struct Tar: Sendable {
  /// Bytes of all files together; what does not fit is cut off, and the manifest says so.
  package static let limit = 16 << 20
  /// Bytes of one file.
  package static let fileLimit = 1 << 20
  private static let block = 512

  package struct File: Sendable, Hashable {
    package var name: String
    package var bytes: [UInt8]
    /// What was cut off at a limit, in bytes.
    package var omitted: Int

    /// - Parameter bytes: kept up to ``Tar/fileLimit``.
    package init(name: String, bytes: [UInt8]) {
      self.name = name
      self.bytes = Array(bytes.prefix(Tar.fileLimit))
      omitted = bytes.count - self.bytes.count
    }
  }

  package private(set) var files: [File] = []
  private var used = 0

  package init() {}

  package mutating func add(_ file: File) {
    var file = file
    let room = max(0, Self.limit - used)
    if file.bytes.count > room {
      file.omitted += file.bytes.count - room
      file.bytes = Array(file.bytes.prefix(room))
    }
    used += file.bytes.count
    files.append(file)
  }

  /// - Parameters:
  ///   - folder: all files are in it.
  ///   - seconds: since 1970, for the files' times.
  package func archive(folder: String, seconds: Int64) -> [UInt8] {
    var out: [UInt8] = []
    for file in files {
      out += Self.header(folder + "/" + file.name, file.bytes.count, seconds)
      out += file.bytes
      out += [UInt8](repeating: 0, count: (Self.block - file.bytes.count % Self.block) % Self.block)
    }
    return out + [UInt8](repeating: 0, count: 2 * Self.block)
  }

  private static func header(_ name: String, _ size: Int, _ seconds: Int64) -> [UInt8] {
    var header = [UInt8](repeating: 0, count: block)
    func put(_ text: String, at place: Int, _ length: Int) {
      for (index, byte) in text.utf8.prefix(length).enumerated() { header[place + index] = byte }
    }
    put(name, at: 0, 99)
    put("0000600", at: 100, 7)
    put("0000000", at: 108, 7)
    put("0000000", at: 116, 7)
    put(octal(size, 11), at: 124, 11)
    put(octal(Int(max(0, min(seconds, 0o77777777777))), 11), at: 136, 11)
    put("        ", at: 148, 8)
    put("0", at: 156, 1)
    put("ustar", at: 257, 5)
    put("00", at: 263, 2)
    let sum = header.reduce(0) { $0 + Int($1) }
    put(octal(sum, 6), at: 148, 6)
    header[154] = 0
    return header
  }

  private static func octal(_ number: Int, _ digits: Int) -> String {
    let text = String(number, radix: 8)
    return String(repeating: "0", count: max(0, digits - text.count)) + text
  }
}
