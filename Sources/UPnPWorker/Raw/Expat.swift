import CExpat
package import MediaProtocol

/// Parses XML from the LAN with expat, within bounds. No entities but the five of XML itself, no document type, nothing external.
package func parseXML(_ bytes: [UInt8], limits: XMLLimits) throws(XMLRefusal) -> XMLElement {
  guard bytes.count <= limits.bytes else { throw .tooLarge(bytes: limits.bytes) }
  // Some devices end a document with zero bytes.
  let end = bytes.lastIndex { $0 != 0 }.map { $0 + 1 } ?? 0
  return try ExpatRun(limits: limits).parse(bytes[..<end])
}

/// One parse. The parser holds an unretained pointer to this object only while `parse` runs, on one thread.
private final class ExpatRun {
  private var builder: XMLTreeBuilder
  private var refusal: XMLRefusal?
  private var parser: XML_Parser?

  init(limits: XMLLimits) { builder = XMLTreeBuilder(limits: limits) }

  func parse(_ bytes: ArraySlice<UInt8>) throws(XMLRefusal) -> XMLElement {
    guard let parser = XML_ParserCreate(nil) else { throw .notWellFormed(line: 0, reason: "no memory for a parser") }
    self.parser = parser
    defer { XML_ParserFree(parser) }
    XML_SetUserData(parser, Unmanaged.passUnretained(self).toOpaque())
    XML_SetElementHandler(parser, onStart, onEnd)
    XML_SetCharacterDataHandler(parser, onText)
    XML_SetStartDoctypeDeclHandler(parser, onDoctype)
    let status = bytes.withUnsafeBytes { XML_Parse(parser, $0.bindMemory(to: CChar.self).baseAddress, Int32($0.count), 1) }
    if let refusal { throw refusal }
    guard status == XML_STATUS_OK, let root = builder.root else {
      let reason = XML_ErrorString(XML_GetErrorCode(parser)).map { String(cString: $0) } ?? "unknown"
      throw .notWellFormed(line: Int(XML_GetCurrentLineNumber(parser)), reason: reason)
    }
    return root
  }

  func start(_ name: String, _ attributes: [(name: String, value: String)]) {
    guard refusal == nil else { return }
    do throws(XMLRefusal) { try builder.start(name, attributes: attributes) } catch { stop(error) }
  }
  func text(_ text: String) { if refusal == nil { builder.text(text) } }
  func end() { if refusal == nil { builder.end() } }
  func stop(_ why: XMLRefusal) {
    refusal = refusal ?? why
    XML_StopParser(parser, XML_Bool(0))
  }
}

private func run(_ pointer: UnsafeMutableRawPointer?) -> ExpatRun? {
  pointer.map { Unmanaged<ExpatRun>.fromOpaque($0).takeUnretainedValue() }
}

private func onStart(_ data: UnsafeMutableRawPointer?, _ name: UnsafePointer<XML_Char>?, _ pairs: UnsafeMutablePointer<UnsafePointer<XML_Char>?>?) {
  guard let name, let pairs else { return }
  var attributes: [(name: String, value: String)] = []
  var index = 0
  while let key = pairs[index], let value = pairs[index + 1] {
    attributes.append((String(cString: key), String(cString: value)))
    index += 2
  }
  run(data)?.start(String(cString: name), attributes)
}

private func onEnd(_ data: UnsafeMutableRawPointer?, _ name: UnsafePointer<XML_Char>?) { run(data)?.end() }

private func onText(_ data: UnsafeMutableRawPointer?, _ text: UnsafePointer<XML_Char>?, _ count: Int32) {
  guard let text, count > 0 else { return }
  let bytes = UnsafeRawBufferPointer(start: text, count: Int(count))
  run(data)?.text(String(decoding: bytes, as: UTF8.self))
}

private func onDoctype(
  _ data: UnsafeMutableRawPointer?, _ name: UnsafePointer<XML_Char>?, _ system: UnsafePointer<XML_Char>?,
  _ publicID: UnsafePointer<XML_Char>?, _ hasSubset: Int32
) { run(data)?.stop(.documentType) }
