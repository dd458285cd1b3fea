import Configuration
import Glibc

/// Reads the configuration: the file, and the drop-ins in the folder `conf.d` beside it, in the order of their names.
enum ConfigurationReader {
  static func gateway(at path: String) throws(StartFailure) -> GatewayConfiguration {
    var sources = [ConfigurationSource(text: try read(path), file: path)]
    for file in try dropIns(of: path) { sources.append(ConfigurationSource(text: try read(file), file: file)) }
    do { return try GatewayConfiguration(parsing: sources) } catch { throw .configuration("\(error)") }
  }

  /// `conf.d/*.toml`; files whose names begin with a dot are none. A folder that is not there is empty.
  static func dropIns(of path: String) throws(StartFailure) -> [String] {
    let parent = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
    let folder = parent + "conf.d"
    guard let entries = opendir(folder) else {
      if errno == ENOENT || errno == ENOTDIR { return [] }
      throw failure(folder)
    }
    defer { closedir(entries) }
    var names: [String] = []
    while let entry = readdir(entries) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name.hasSuffix(".toml"), !name.hasPrefix(".") { names.append(name) }
      guard names.count <= ConfigurationBounds.dropIns else { throw .configuration("\(folder) has more than \(ConfigurationBounds.dropIns) drop-ins") }
    }
    return names.sorted().map { "\(folder)/\($0)" }
  }

  static func read(_ path: String) throws(StartFailure) -> String {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw .configuration("\(path): \(String(cString: strerror(errno))); make it, an empty one will do, or name another with --config") }
    defer { close(file) }
    let longest = ConfigurationBounds.bytes
    var bytes = [UInt8](repeating: 0, count: longest + 1)
    var count = 0
    while count < bytes.count {
      let got = bytes.withUnsafeMutableBytes { Glibc.read(file, $0.baseAddress.map { $0 + count }, $0.count - count) }
      guard got >= 0 else { throw failure(path) }
      if got == 0 { break }
      count += got
    }
    guard count <= longest else { throw .configuration("\(path) is longer than \(longest) bytes: it is no configuration file") }
    guard let text = String(validating: bytes[..<count], as: UTF8.self) else { throw .configuration("\(path) is not UTF-8 text") }
    return text
  }

  private static func failure(_ path: String) -> StartFailure { .configuration("\(path): \(String(cString: strerror(errno)))") }
}
