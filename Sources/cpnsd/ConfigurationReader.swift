import Configuration
import Glibc

/// Reads the configuration file.
enum ConfigurationReader {
  static func server(at path: String) throws(StartFailure) -> ServerConfiguration {
    let text = try read(path)
    do { return try ServerConfiguration(parsing: text, file: path) } catch { throw .configuration("\(error)") }
  }

  private static func read(_ path: String) throws(StartFailure) -> String {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw .configuration("\(path): \(String(cString: strerror(errno))); make it, an empty one will do, or name another with --config") }
    defer { close(file) }
    var bytes = [UInt8](repeating: 0, count: ConfigurationBounds.bytes + 1)
    var count = 0
    while count < bytes.count {
      let got = bytes.withUnsafeMutableBytes { Glibc.read(file, $0.baseAddress.map { $0 + count }, $0.count - count) }
      guard got >= 0 else { throw .configuration("\(path): \(String(cString: strerror(errno)))") }
      if got == 0 { break }
      count += got
    }
    guard count <= ConfigurationBounds.bytes else { throw .configuration("\(path) is longer than \(ConfigurationBounds.bytes) bytes: it is no configuration file") }
    guard let text = String(validating: bytes[..<count], as: UTF8.self) else { throw .configuration("\(path) is not UTF-8 text") }
    return text
  }
}
