/// A key that has another value in another configuration.
package struct ConfigurationChange: Hashable, Sendable {
  /// `table.name`
  package let path: String
  /// As TOML. A value that may hold a secret is not shown.
  package let before: String
  package let after: String
  /// Whether a reload is enough; a restart otherwise.
  package let isLive: Bool
}

extension ConfigurationFile {
  /// What changes from this to `other`, in the order of the keys.
  package func changes(to other: Self) -> [ConfigurationChange] {
    Self.keys.compactMap { key in
      guard key.literal(in: self) != key.literal(in: other) else { return nil }
      return ConfigurationChange(path: key.path, before: key.shown(in: self), after: key.shown(in: other), isLive: key.isLive)
    }
  }

  /// This, with the values of `other` that a reload is enough for.
  package func taking(liveValuesOf other: Self) -> Self {
    var taken = self
    for key in Self.keys where key.isLive { key.copy(from: other, to: &taken) }
    return taken
  }
}

extension ConfigurationKey {
  /// For people, without a secret.
  package func shown(in file: File) -> String {
    guard mayHoldSecret, case .text(let place, _) = kind else { return literal(in: file) }
    let text = file[keyPath: place]
    // A path is no secret; what a URI holds may be.
    return text.isEmpty || text.hasPrefix("/") ? literal(in: file) : "\"\(text.prefix { $0 != ":" }):…\""
  }

  fileprivate func copy(from: File, to: inout File) {
    switch kind {
    case .text(let place, _): to[keyPath: place] = from[keyPath: place]
    case .number(let place, _): to[keyPath: place] = from[keyPath: place]
    case .flag(let place): to[keyPath: place] = from[keyPath: place]
    case .level(let place): to[keyPath: place] = from[keyPath: place]
    case .list(let place, _, _): to[keyPath: place] = from[keyPath: place]
    }
  }
}
