/// One element of a small XML document, names without their prefix.
///
/// A tree is right here: what devices send is at most 128 kB and is looked at once. Its bounds are ``XMLLimits``.
package struct XMLElement: Hashable, Sendable {
  package var name: String
  package var attributes: [String: String]
  /// Character data of the element itself, in order, without its children's.
  package var text: String
  package var children: [XMLElement]

  package init(_ name: String, attributes: [String: String] = [:], text: String = "", children: [XMLElement] = []) {
    self.name = name
    self.attributes = attributes
    self.text = text
    self.children = children
  }

  package func first(_ name: String) -> XMLElement? { children.first { $0.name == name } }
  package func all(_ name: String) -> [XMLElement] { children.filter { $0.name == name } }

  /// The text of the first child with this name, without white space around it.
  package func value(_ name: String) -> String? { first(name)?.trimmedText }

  package var trimmedText: String { String(text.trimmed) }
}

extension StringProtocol {
  /// Without the white space of XML 1.0 (2.3) at both ends.
  var trimmed: SubSequence {
    let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\n" || $0 == "\t" || $0 == "\r" || $0 == "\r\n" }
    guard let start = firstIndex(where: { !isSpace($0) }), let end = lastIndex(where: { !isSpace($0) }) else {
      return self[startIndex..<startIndex]
    }
    return self[start...end]
  }

  /// With the five characters of XML 1.0 (4.6) written as references; characters that XML cannot carry are left out.
  package var xmlEscaped: String {
    var out = ""
    out.reserveCapacity(utf8.count + 16)
    for scalar in unicodeScalars {
      switch scalar {
      case "&": out += "&amp;"
      case "<": out += "&lt;"
      case ">": out += "&gt;"
      case "\"": out += "&quot;"
      case "'": out += "&apos;"
      case "\t", "\n", "\r": out.unicodeScalars.append(scalar)
      case _ where scalar.value < 32 || scalar.value == 0xFFFE || scalar.value == 0xFFFF: break
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out
  }
}
