import Synchronization

/// A bounded number of places. One is given back when nobody holds it any more, whatever became of who took it.
final class Places: Sendable {
  /// Who watches keeps a connection for as long as it likes; half of them stay free for those who ask and go.
  static let watchers = 32

  final class Place: Sendable {
    private let places: Places

    fileprivate init(_ places: Places) { self.places = places }
    deinit { places.free.withLock { $0 += 1 } }
  }

  private let free: Mutex<Int>

  init(_ count: Int) { free = Mutex(count) }

  /// - Returns: nil when all are taken.
  func take() -> Place? {
    let isFree = free.withLock { free in
      if free == 0 { return false }
      free -= 1
      return true
    }
    return isFree ? Place(self) : nil
  }
}
