/// The last part of a URL: for devices that choose their player by what a name ends in.
enum MediaName {
  /// Longest name without its ending: some renderers cut URLs at 256 characters.
  private static let longest = 48

  private static let endings = [
    "audio/aac": "aac", "audio/flac": "flac", "audio/mp4": "m4a", "audio/mpeg": "mp3", "audio/ogg": "ogg", "audio/wav": "wav",
    "audio/x-flac": "flac", "audio/x-m4a": "m4a", "audio/x-ms-wma": "wma", "audio/x-wav": "wav", "image/bmp": "bmp", "image/gif": "gif",
    "image/jpeg": "jpg", "image/png": "png", "image/tiff": "tif", "image/webp": "webp", "text/plain": "txt", "video/avi": "avi",
    "video/mp2t": "ts", "video/mp4": "mp4", "video/mpeg": "mpg", "video/ogg": "ogv", "video/quicktime": "mov", "video/webm": "webm",
    "video/x-flv": "flv", "video/x-matroska": "mkv", "video/x-ms-wmv": "wmv", "video/x-msvideo": "avi",
  ]

  /// Letters, digits, "-", "_" and a dot before the ending that belongs to the media type.
  static func sanitised(_ name: String, mediaType: String) -> String {
    var parts = name.split(separator: ".", omittingEmptySubsequences: false)
    let own = parts.count > 1 ? parts.removeLast() : ""
    let ending = endings[mediaType.lowercased()] ?? String(clean(own).prefix(8))
    let stem = String(clean(parts.joined(separator: "_")).prefix(longest))
    return (stem.isEmpty ? "media" : stem) + (ending.isEmpty ? "" : ".\(ending)")
  }

  private static func clean(_ text: some StringProtocol) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "a"..."z", "A"..."Z", "0"..."9", "-": result.unicodeScalars.append(scalar)
      default: if !result.isEmpty, result.last != "_" { result.append("_") }
      }
    }
    while result.last == "_" { result.removeLast() }
    return result
  }
}
