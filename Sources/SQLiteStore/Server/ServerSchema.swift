extension Schema {
  /// The CPNS Server's: `application_id` is "CPNS". Times are milliseconds since 1970, ids are `urn:uuid:…`; lists are in the
  /// order of `sequence`, which is never given twice.
  package static let server = Schema(
    applicationID: 0x4350_4E53,
    steps: [
      [
        "CREATE TABLE server (id TEXT NOT NULL) STRICT",
        // hash: SHA-256 of the secret. The last four: when it is spent.
        """
        CREATE TABLE claim (sequence INTEGER PRIMARY KEY AUTOINCREMENT, hash BLOB NOT NULL UNIQUE, pn_name TEXT, made INTEGER NOT NULL,
          gateway TEXT, idempotency TEXT, answer BLOB, spent INTEGER) STRICT
        """,
        """
        CREATE TABLE gateway (sequence INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, pn TEXT NOT NULL,
          key BLOB NOT NULL, enrolled INTEGER NOT NULL) STRICT
        """,
        """
        CREATE TABLE network (sequence INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL,
          named_here INTEGER NOT NULL, revision INTEGER NOT NULL, gateway TEXT NOT NULL) STRICT
        """,
        // value: an InventoryEntry as JSON.
        """
        CREATE TABLE entry (sequence INTEGER PRIMARY KEY AUTOINCREMENT, pn TEXT NOT NULL, id TEXT NOT NULL, value TEXT NOT NULL,
          UNIQUE (pn, id)) STRICT
        """,
        "CREATE INDEX entry_id ON entry (id)",
        // pn and entity: whose it is; NULL: an application's. value: a ServiceDescription as JSON. search: what words are looked for in.
        """
        CREATE TABLE service (sequence INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, pn TEXT, entity TEXT, value TEXT NOT NULL,
          search TEXT NOT NULL) STRICT
        """,
        "CREATE INDEX service_id ON service (id)",
        "CREATE INDEX service_entity ON service (pn, entity)",
        // value: a ContentDescription as JSON.
        """
        CREATE TABLE content (sequence INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, value TEXT NOT NULL,
          made INTEGER NOT NULL) STRICT
        """,
        // delivery_order, outcome: as JSON. The last four: when it has ended; ending counts the ends, whatever the wall clock did.
        """
        CREATE TABLE delivery (sequence INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, pn TEXT NOT NULL, content TEXT NOT NULL,
          delivery_order TEXT NOT NULL, made INTEGER NOT NULL, answered INTEGER NOT NULL, state TEXT, outcome TEXT, ended INTEGER,
          ending INTEGER) STRICT
        """,
        "CREATE INDEX delivery_live ON delivery (pn) WHERE ending IS NULL",
        "CREATE INDEX delivery_unanswered ON delivery (pn, sequence) WHERE ending IS NULL AND answered = 0",
        "CREATE INDEX delivery_made ON delivery (made) WHERE ending IS NULL",
        "CREATE INDEX delivery_content ON delivery (content) WHERE ending IS NULL",
        "CREATE UNIQUE INDEX delivery_ending ON delivery (ending) WHERE ending IS NOT NULL",
        "CREATE INDEX delivery_ended ON delivery (ended) WHERE ending IS NOT NULL",
        "CREATE INDEX delivery_state ON delivery (state) WHERE ending IS NOT NULL",
        // value: a UsageRecord as JSON.
        """
        CREATE TABLE usage (sequence INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, gateway TEXT NOT NULL, pn TEXT NOT NULL,
          received INTEGER NOT NULL, value TEXT NOT NULL) STRICT
        """,
      ]
    ])
}
