extension Schema {
  /// The gateway's: `application_id` is "PNGW". Times are milliseconds since 1970, ids are `urn:uuid:…`.
  package static let gateway = Schema(
    applicationID: 0x504E_4757,
    steps: [
      [
        "CREATE TABLE gateway (id TEXT NOT NULL) STRICT",
        "CREATE TABLE pn (id TEXT NOT NULL, name TEXT NOT NULL, revision INTEGER NOT NULL, server TEXT, server_id TEXT) STRICT",
        // value: an InventoryEntry as JSON.
        "CREATE TABLE entry (id TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID",
        """
        CREATE TABLE pairing (element TEXT PRIMARY KEY, name TEXT NOT NULL, generation INTEGER NOT NULL, gateway_key BLOB NOT NULL,
          paired INTEGER NOT NULL) STRICT, WITHOUT ROWID
        """,
        // delivery_order: a DeliveryOrder as JSON; source: a ContentSource as JSON. The last two columns: in a final state only.
        // ending counts the ends, so that the oldest are known whatever the wall clock did.
        """
        CREATE TABLE delivery (id TEXT PRIMARY KEY, state TEXT NOT NULL, delivery_order TEXT NOT NULL, source TEXT NOT NULL,
          accepted INTEGER NOT NULL, attempts INTEGER NOT NULL, ended INTEGER, ending INTEGER) STRICT, WITHOUT ROWID
        """,
        "CREATE INDEX delivery_live ON delivery (accepted) WHERE ending IS NULL",
        "CREATE UNIQUE INDEX delivery_ending ON delivery (ending) WHERE ending IS NOT NULL",
        "CREATE INDEX delivery_ended ON delivery (ended) WHERE ending IS NOT NULL",
        // AUTOINCREMENT: a number is never given twice, even when the outbox is empty.
        """
        CREATE TABLE outbox (sequence INTEGER PRIMARY KEY AUTOINCREMENT, kind INTEGER NOT NULL, body BLOB NOT NULL, idempotency TEXT NOT NULL,
          made INTEGER NOT NULL) STRICT
        """,
      ],
      // outcome: a DeliveryEnding as JSON; in a final state only.
      ["ALTER TABLE delivery ADD COLUMN outcome TEXT"],
    ])
}
