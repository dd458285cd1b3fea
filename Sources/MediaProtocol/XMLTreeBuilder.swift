/// Bounds of one document from the LAN. Past a bound the document is refused as a whole.
package struct XMLLimits: Hashable, Sendable {
  package var bytes: Int
  /// Real descriptions nest up to 9 deep.
  package var depth = 32
  /// The largest description we know (a TV with 9 services) has 300.
  package var elements = 4096
  package var attributes = 32

  package init(bytes: Int) { self.bytes = bytes }

  /// A device description: real ones have 2 to 12 kB.
  package static let description = XMLLimits(bytes: 64 << 10)
  /// What a device answers to an action. Holds a DIDL-Lite page of 64 kB, escaped.
  package static let answer = XMLLimits(bytes: 128 << 10)
  /// An event message.
  package static let event = XMLLimits(bytes: 64 << 10)
  /// A page of a ContentDirectory.
  package static let page = XMLLimits(bytes: 64 << 10)
}

/// Why a document was refused.
package enum XMLRefusal: Error, Hashable, Sendable, CustomStringConvertible {
  case tooLarge(bytes: Int)
  /// A document type declaration: the way to entity bombs, and no UPnP document needs one.
  case documentType
  case tooDeep(Int)
  case tooManyElements(Int)
  case tooManyAttributes(element: String, limit: Int)
  case notWellFormed(line: Int, reason: String)

  package var description: String {
    switch self {
    case .tooLarge(let bytes): "is larger than \(bytes) bytes"
    case .documentType: "has a document type declaration, which UPnP does not use"
    case .tooDeep(let depth): "nests deeper than \(depth) elements"
    case .tooManyElements(let count): "has more than \(count) elements"
    case .tooManyAttributes(let element, let limit): "has more than \(limit) attributes on <\(element.prefix(40))>"
    case .notWellFormed(let line, let reason): "is not well-formed XML: \(reason) in line \(line)"
    }
  }
}

/// Makes an ``XMLElement`` of a parser's events, and holds the bounds.
package struct XMLTreeBuilder: ~Copyable {
  private let limits: XMLLimits
  private var open: [XMLElement] = []
  private var count = 0
  /// The finished document.
  package private(set) var root: XMLElement?

  package init(limits: XMLLimits) { self.limits = limits }

  package mutating func start(_ name: String, attributes: [(name: String, value: String)]) throws(XMLRefusal) {
    guard attributes.count <= limits.attributes else {
      throw .tooManyAttributes(element: name, limit: limits.attributes)
    }
    guard open.count < limits.depth else { throw .tooDeep(limits.depth) }
    count += 1
    guard count <= limits.elements else { throw .tooManyElements(limits.elements) }
    var element = XMLElement(Self.local(name))
    for attribute in attributes { element.attributes[Self.local(attribute.name)] = attribute.value }
    open.append(element)
  }

  package mutating func text(_ text: String) {
    guard !open.isEmpty else { return }
    open[open.count - 1].text += text
  }

  package mutating func end() {
    guard let element = open.popLast() else { return }
    if open.isEmpty { root = element } else { open[open.count - 1].children.append(element) }
  }

  /// Prefixes differ between vendors and some are not even declared; the local name says enough here.
  private static func local(_ name: String) -> String {
    name.utf8.lastIndex(of: UInt8(ascii: ":")).map { String(name[name.index(after: $0)...]) } ?? name
  }
}
