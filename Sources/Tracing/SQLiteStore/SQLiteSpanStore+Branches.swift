package import ValueStreamCore

extension SQLiteSpanStore: BranchListing {
  package func branches() throws(StoreError) -> [SubjectKey] {
    try withReader { reader in
      let rows = try reader.connection.prepare(
        "SELECT DISTINCT n.text, b.number, b.text FROM branch_update b JOIN name n ON n.id = b.space")
      var keys: [SubjectKey] = []
      while try rows.step() { keys.append(StoredName.key(space: rows.text(0), number: rows.int(1), text: rows.text(2))) }
      return keys
    }
  }
}
