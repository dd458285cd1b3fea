extension Schema {
  /// The gateway's: `application_id` is "PNGW".
  static let gateway = Schema(
    applicationID: 0x504E_4757,
    steps: [
      [
        "CREATE TABLE gateway (id TEXT NOT NULL) STRICT",
        "CREATE TABLE pn (id TEXT NOT NULL, name TEXT NOT NULL, revision INTEGER NOT NULL, server TEXT, server_id TEXT) STRICT",
        "CREATE TABLE entry (id TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID",
        """
        CREATE TABLE pairing (element TEXT PRIMARY KEY, name TEXT NOT NULL, generation INTEGER NOT NULL, gateway_key BLOB NOT NULL, paired INTEGER NOT NULL)
        STRICT, WITHOUT ROWID
        """,
        """
        CREATE TABLE delivery (id TEXT PRIMARY KEY, state TEXT NOT NULL, is_final INTEGER NOT NULL, orders TEXT NOT NULL, source TEXT NOT NULL,
          accepted INTEGER NOT NULL, attempts INTEGER NOT NULL, ended INTEGER) STRICT, WITHOUT ROWID
        """,
        "CREATE INDEX delivery_ended ON delivery (ended) WHERE is_final = 1",
        """
        CREATE TABLE outbox (sequence INTEGER PRIMARY KEY AUTOINCREMENT, kind INTEGER NOT NULL, body BLOB NOT NULL, idempotency TEXT NOT NULL, made INTEGER NOT NULL)
        STRICT
        """,
      ]
    ])
}
