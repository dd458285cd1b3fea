/// Media types (RFC 6838) that name the same format: devices list one of them and play all.
package enum MediaTypes {
  /// The registered name first. MP4 is QuickTime's container standardised (ISO/IEC 14496-12); renderers on GStreamer list only that.
  private static let kin: [[String]] = [
    ["video/mp4", "video/quicktime", "video/x-m4v"],
    ["video/matroska", "video/x-matroska", "video/x-mkv"],
    ["video/mp2t", "video/mpegts", "video/vnd.dlna.mpeg-tts"],
    ["video/x-msvideo", "video/avi", "video/vnd.avi"],
    ["video/x-ms-wmv", "video/x-wmv"],
    ["audio/mpeg", "audio/mp3", "audio/x-mp3"],
    ["audio/mp4", "audio/m4a", "audio/x-m4a"],
    ["audio/aac", "audio/x-aac", "audio/aacp", "audio/vnd.dlna.adts"],
    ["audio/flac", "audio/x-flac"],
    ["audio/vnd.wave", "audio/wav", "audio/x-wav", "audio/wave"],
    ["audio/ogg", "application/ogg", "audio/x-ogg"],
    ["image/jpeg", "image/jpg", "image/pjpeg"],
  ]

  /// All names of `mediaType`'s format, itself among them, in lower case and without parameters.
  package static func names(of mediaType: String) -> [String] {
    let plain = String(mediaType.lowercased().prefix { $0 != ";" && $0 != " " })
    return kin.first { $0.contains(plain) } ?? [plain]
  }
}
