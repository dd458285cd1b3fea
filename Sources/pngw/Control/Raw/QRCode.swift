import CQREncode

/// A QR code by libqrencode.
enum QRCode {
  /// - Parameter text: capitals, digits and `$%*+-./:` make the smallest code.
  /// - Returns: rows of modules, true is dark; nil when `text` is too long for one.
  static func modules(_ text: String) -> [[Bool]]? {
    guard let code = QRcode_encodeString(text, 0, QR_ECLEVEL_M, QR_MODE_8, 1) else { return nil }
    defer { QRcode_free(code) }
    let width = Int(code.pointee.width)
    guard width > 0, let data = code.pointee.data else { return nil }
    // The lowest bit of each byte is the colour.
    return (0..<width).map { row in (0..<width).map { data[row * width + $0] & 1 == 1 } }
  }
}
