import CPNSModel
import ElementCore
import Glibc

/// Lines on standard output and standard error, each written whole and at once.
enum Output {
  static func line(_ text: String) { write(text, to: 1) }
  static func complaint(_ text: String) { write(text, to: 2) }

  /// What comes from the network must not steer a terminal or begin a line of its own.
  static func hasControls(_ text: String) -> Bool { text.unicodeScalars.contains(where: isControl) }

  private static func isControl(_ scalar: Unicode.Scalar) -> Bool { scalar.value < 32 || (127..<160).contains(scalar.value) }

  private static func write(_ text: String, to descriptor: CInt) {
    var printable = ""
    printable.unicodeScalars.append(contentsOf: text.unicodeScalars.map { isControl($0) ? "?" : $0 })
    let bytes = Array((printable + "\n").utf8)
    _ = Glibc.write(descriptor, bytes, bytes.count)  // nobody reads: nothing to be done
  }
}

extension ElementEvent {
  /// As docs and scripts know it.
  var line: String {
    switch self {
    case .found(let name, let address): "found \(name) at \(address)"
    case .paired(let gateway): "paired with \(gateway)"
    case .registered(let pn): "registered in PN \(pn)"
    case .receiving(let name, let size?): "receiving \(name) (\(size) bytes)"
    case .receiving(let name, nil): "receiving \(name) (size not known)"
    case .received(let name, let content): "received \(name) \(content.bytes) bytes sha256 \(Hex.text(content.sha256)) -> \(content.path)"
    case .notReceived(let name, let why): "not received \(name): \(why)"
    case .status(let entity, let availability, let reason): "status \(entity) \(availability.rawValue) (\(reason))"
    case .linkLost(let why): "link lost: \(why)"
    case .failed(let why): "failed: \(why)"
    }
  }
}

/// Bytes as hexadecimal digits in lower case.
enum Hex {
  static func text(_ bytes: [UInt8]) -> String { bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }
}
