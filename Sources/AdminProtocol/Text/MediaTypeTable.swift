/// Media types by file name, for what people push. The system's own table would drag in a dependency for forty lines.
package enum MediaTypeTable {
  /// What is known of nothing (RFC 2046, 4.5.1).
  package static let unknown = "application/octet-stream"

  package static func type(of fileName: String) -> String {
    guard let dot = fileName.lastIndex(of: "."), dot > fileName.startIndex else { return unknown }
    return table[fileName[fileName.index(after: dot)...].lowercased()] ?? unknown
  }

  private static let table: [String: String] = [
    "aac": "audio/aac", "aif": "audio/aiff", "aiff": "audio/aiff", "avi": "video/x-msvideo", "bmp": "image/bmp", "csv": "text/csv",
    "flac": "audio/flac", "gif": "image/gif", "heic": "image/heic", "htm": "text/html", "html": "text/html", "jpeg": "image/jpeg",
    "jpg": "image/jpeg", "json": "application/json", "m4a": "audio/mp4", "m4v": "video/mp4", "mka": "audio/x-matroska",
    "mkv": "video/x-matroska", "mov": "video/quicktime", "mp3": "audio/mpeg", "mp4": "video/mp4", "mpeg": "video/mpeg", "mpg": "video/mpeg",
    "mts": "video/vnd.dlna.mpeg-tts", "oga": "audio/ogg", "ogg": "audio/ogg", "ogv": "video/ogg", "opus": "audio/ogg",
    "pdf": "application/pdf", "png": "image/png", "svg": "image/svg+xml", "tif": "image/tiff", "tiff": "image/tiff", "ts": "video/mp2t",
    "txt": "text/plain", "wav": "audio/wav", "webm": "video/webm", "webp": "image/webp", "wma": "audio/x-ms-wma", "wmv": "video/x-ms-wmv",
    "zip": "application/zip",
  ]
}
