import ElementCore

/// Why `pne` could not begin, or could not go on, for the person who started it.
enum PNEFailure: Error, Equatable {
  /// Another try changes nothing.
  case forAPerson(String)
  case unavailable(String)

  /// sysexits(3): 78, configuration, for what a person has to mend.
  var status: Int32 { if case .forAPerson = self { 78 } else { 1 } }

  var words: String {
    switch self {
    case .forAPerson(let text), .unavailable(let text): text
    }
  }

  init(_ error: ElementError) {
    self =
      switch error {
      case .notPaired: .forAPerson("this element is not paired yet: run `pngwctl pair` on the gateway, and start this with --pair CODE")
      case .pairingRefused(let why): .forAPerson("the pairing code was refused by \(why). Run `pngwctl pair` on the gateway for a new one")
      case .store(.damaged(let why)): .forAPerson(why)
      case .store(.unavailable(let why)): .unavailable(why)
      case .inbox(.full(let why)), .inbox(.io(let why)), .inbox(.mismatch(let why)): .unavailable(why)
      }
  }
}
