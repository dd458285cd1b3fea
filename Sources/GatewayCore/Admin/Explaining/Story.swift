import AdminProtocol
import CPNSModel

/// What is put together for one explanation.
struct Story {
  /// A screen of causes; the newest are kept.
  static let most = 24

  private var causes: [(at: Timestamp?, text: String)] = []
  private(set) var nextStep: String?

  mutating func now(_ text: String) { causes.append((nil, text)) }
  mutating func then(_ at: Timestamp, _ text: String) { causes.append((at, text)) }
  mutating func tell(_ events: [GatewayEvent]) { for event in events { then(event.at, event.text) } }
  /// The first one counts: it is about the effect, later ones about its causes' causes.
  mutating func advise(_ text: String) { if nextStep == nil { nextStep = text } }

  mutating func take(_ other: Story) {
    causes += other.causes
    if let step = other.nextStep { advise(step) }
  }

  /// What holds now, then the newest first; what is told twice, once.
  var because: [ExplanationReply.Cause] {
    let past = causes.enumerated().filter { $0.element.at != nil }.sorted {
      ($0.element.at ?? Timestamp(milliseconds: 0), $0.offset) > ($1.element.at ?? Timestamp(milliseconds: 0), $1.offset)
    }
    var told: [ExplanationReply.Cause] = []
    for (at, text) in causes.filter({ $0.at == nil }) + past.map(\.element) {
      let cause = ExplanationReply.Cause(at: at.map(UTCTime.init), text: text)
      if !told.contains(cause) { told.append(cause) }
    }
    return Array(told.prefix(Self.most))
  }
}
