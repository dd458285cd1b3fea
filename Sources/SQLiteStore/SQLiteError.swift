/// Why the database did not do it.
package enum SQLiteError: Error, Equatable, Sendable {
  /// No room, an I/O error, in use by another, too much is waiting: nothing was changed; the same may succeed later.
  case unavailable(String)
  /// Not a database, not ours, or damaged: for a person.
  case damaged(String)
  /// Written by a newer version.
  case newer(found: Int, known: Int)
  /// A fault of ours: SQL that does not fit the schema, a constraint.
  case misuse(String)
}
