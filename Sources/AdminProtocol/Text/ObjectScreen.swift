/// `pngwctl browse`
package enum ObjectScreen {
  /// An id must be whole, to be typed again. Where one is longer, each has a line of its own.
  private static let widestID = 32

  package static func lines(_ page: ObjectsReply) -> [String] {
    if page.objects.isEmpty { return ["nothing in here"] }
    let isNarrow = page.objects.allSatisfy { Printable.width($0.id) <= widestID }
    let lines = isNarrow ? table(page.objects) : page.objects.flatMap { tall($0) }
    let last = page.start + page.objects.count
    return lines + (page.total > last ? ["", "\(page.start + 1) to \(last) of \(page.total); --start \(last) shows the next"] : [])
  }

  private static func table(_ objects: [ObjectsReply.Object]) -> [String] {
    var table = TextTable(["ID", "TITLE", "TYPE", "SIZE"], kept: [0])
    for object in objects { table.add([object.id, title(object), type(object), size(object)]) }
    return table.lines
  }

  private static func tall(_ object: ObjectsReply.Object) -> [String] {
    let about = [type(object), size(object)].filter { !$0.isEmpty }.joined(separator: ", ")
    let room = TextTable.columns - Printable.width(about) - 3
    return ["\(Printable.cut(Printable.text(title(object)), to: room))\(about.isEmpty ? "" : " (\(about))")", "  " + Printable.text(object.id)]
  }

  private static func title(_ object: ObjectsReply.Object) -> String { object.isContainer ? object.title + "/" : object.title }

  private static func type(_ object: ObjectsReply.Object) -> String {
    object.isContainer ? "" : Printable.cut(Printable.text(object.resources.compactMap(\.mediaType).first ?? "?"), to: 30)
  }

  private static func size(_ object: ObjectsReply.Object) -> String {
    object.resources.compactMap(\.size).first.map(Phrases.size) ?? ""
  }
}
