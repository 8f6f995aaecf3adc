import ValueStreamCore

/// The SQL statements for facts. Each connection prepares a statement when it first needs it.
enum FactQuery: Int, CaseIterable {
  case rows, pages, wholePages, row, pageAt, pageData, firstRowDay, firstPageDay
  case subject, subjectsAfter, setSubject, deleteSubject
  case setRow, deleteRow, deleteRows, rowCounts, rowsOfPlace, places
  case pagesOfPlace, insertPage, updatePage, deletePage, setPageRest, deletePageRest, unpackedPage
  case oldestRow, oldestPage
  case deliveries, insertDelivery, deleteDelivery
  case nameID, nameText, insertName
  case values, setValue, deleteValue
  case changes, changeCount, insertChange, changeOf, updateChange, deleteChanges
  case progress, setNextSubject, setNextBranch, setRemovedTo, setVersion, firstSubject
  case subjects, branches, firstBranchUpdate
  case exclusions, setExclusion, deleteExclusion, subjectNamed
  case tally, setTally, deleteTally, tallies
  case rollUpChanges, rollUpChangesOfBlock, rollUpChangeCounts, insertRollUpChange, deleteRollUpChanges
  case rollUpPages, rollUpPagesOfPlace, rollUpPageData, rollUpDays, insertRollUpPage, updateRollUpPage, deleteRollUpPage
  case keptFacts, keepFacts, hasFacts
  case rollUpState, setRollUpState, deleteRollUpsOfBlock, deleteRollUpsOfDays

  var sql: String {
    switch self {
    case .rows:
      "SELECT day, subject, checksum, data FROM fact_row WHERE kind = ?1 AND day >= ?2 AND day <= ?3 ORDER BY day, subject"
    case .pages:
      "SELECT day, first, checksum, data FROM fact_page WHERE kind = ?1 AND day >= ?2 AND day <= ?3 ORDER BY day, first"
    case .wholePages:
      """
      SELECT p.day, p.first, p.checksum, p.data, r.data FROM fact_page p LEFT JOIN fact_page_rest r ON r.id = p.id
      WHERE p.kind = ?1 AND p.day >= ?2 AND p.day <= ?3 ORDER BY p.day, p.first
      """
    case .row: "SELECT checksum, data FROM fact_row WHERE kind = ?1 AND day = ?2 AND subject = ?3"
    case .pageAt:
      "SELECT id FROM fact_page WHERE kind = ?1 AND day = ?2 AND first <= ?3 ORDER BY first DESC LIMIT 1"
    case .pageData:
      "SELECT p.checksum, p.data, r.data FROM fact_page p LEFT JOIN fact_page_rest r ON r.id = p.id WHERE p.id = ?1"
    case .firstRowDay:
      "SELECT day FROM fact_row WHERE kind = ?1 AND day < ?2 AND length(data) > 0 ORDER BY day LIMIT 1"
    case .firstPageDay: "SELECT day FROM fact_page WHERE kind = ?1 AND day < ?2 ORDER BY day LIMIT 1"

    case .subject: "SELECT space, number, text, checksum, data FROM fact_subject WHERE id = ?1"
    case .subjectsAfter:
      "SELECT id, space, number, text, checksum, data FROM fact_subject WHERE id > ?1 ORDER BY id LIMIT ?2"
    case .setSubject: "INSERT OR REPLACE INTO fact_subject VALUES (?4, ?1, ?2, ?3, ?5, ?6)"
    case .deleteSubject: "DELETE FROM fact_subject WHERE id = ?1"

    case .setRow: "INSERT OR REPLACE INTO fact_row VALUES (?1, ?2, ?3, ?4, ?5)"
    case .deleteRow: "DELETE FROM fact_row WHERE kind = ?1 AND day = ?2 AND subject = ?3"
    case .deleteRows: "DELETE FROM fact_row WHERE kind = ?1 AND day = ?2 AND subject <= ?3"
    case .rowCounts: "SELECT kind, day, count(*) FROM fact_row GROUP BY kind, day"
    case .rowsOfPlace:
      "SELECT subject, checksum, data FROM fact_row WHERE kind = ?1 AND day = ?2 ORDER BY subject LIMIT ?3"

    case .places:
      """
      SELECT kind, day FROM fact_row WHERE subject = ?1 UNION SELECT DISTINCT kind, day FROM fact_page WHERE first <= ?1
      """

    case .pagesOfPlace: "SELECT id, first FROM fact_page WHERE kind = ?1 AND day = ?2 ORDER BY first"
    case .insertPage: "INSERT INTO fact_page VALUES (NULL, ?1, ?2, ?3, ?4, ?5)"
    case .updatePage: "UPDATE fact_page SET first = ?2, checksum = ?3, data = ?4 WHERE id = ?1"
    case .deletePage: "DELETE FROM fact_page WHERE id = ?1"
    case .setPageRest: "INSERT OR REPLACE INTO fact_page_rest VALUES (?1, ?2)"
    case .deletePageRest: "DELETE FROM fact_page_rest WHERE id = ?1"
    case .unpackedPage:
      """
      SELECT p.id, p.kind, p.day, p.first FROM fact_page p
      WHERE p.id > ?1 AND NOT EXISTS (SELECT 1 FROM fact_page_rest r WHERE r.id = p.id) ORDER BY p.id LIMIT 1
      """

    case .oldestRow: "SELECT kind, day, subject FROM fact_row WHERE kind = ?1 AND day < ?2 ORDER BY day, subject LIMIT 1"
    case .oldestPage: "SELECT id, day FROM fact_page WHERE kind = ?1 AND day < ?2 ORDER BY day, first LIMIT 1"

    case .deliveries: "SELECT deploy, day FROM fact_delivery WHERE change = ?1"
    case .insertDelivery: "INSERT OR IGNORE INTO fact_delivery VALUES (?1, ?2, ?3)"
    case .deleteDelivery: "DELETE FROM fact_delivery WHERE change = ?1 AND deploy = ?2 AND day = ?3"

    case .nameID: "SELECT id FROM fact_name WHERE text = ?1"
    case .nameText: "SELECT text FROM fact_name WHERE id = ?1"
    case .insertName: "INSERT INTO fact_name VALUES (?1, ?2)"

    case .values: "SELECT name, checksum, bytes FROM fact_value"
    case .setValue: "INSERT OR REPLACE INTO fact_value VALUES (?1, ?2, ?3)"
    case .deleteValue: "DELETE FROM fact_value WHERE name = ?1"

    case .changes: "SELECT batch, checksum, data FROM fact_change ORDER BY batch"
    case .changeCount: "SELECT count(*) FROM fact_change"
    case .insertChange: "INSERT INTO fact_change VALUES (NULL, ?1, ?2)"
    case .changeOf: "SELECT checksum, data FROM fact_change WHERE batch = ?1"
    case .updateChange: "UPDATE fact_change SET checksum = ?2, data = ?3 WHERE batch = ?1"
    case .deleteChanges: "DELETE FROM fact_change WHERE batch <= ?1"

    case .progress:
      """
      SELECT version, next_subject, end_subject, removed_to, branch_space, branch_number, branch_text FROM fact_progress
      """
    case .setNextSubject: "UPDATE fact_progress SET next_subject = max(next_subject, ?1)"
    case .setNextBranch: "UPDATE fact_progress SET branch_space = ?1, branch_number = ?2, branch_text = ?3"
    case .setRemovedTo: "UPDATE fact_progress SET removed_to = ?1"
    case .setVersion:
      """
      UPDATE fact_progress SET version = ?1, next_subject = ?2, end_subject = ?3, removed_to = ?4,
        branch_space = ?5, branch_number = -2, branch_text = ''
      """
    case .firstSubject: "SELECT min(seq) FROM subject"
    case .subjects:
      """
      SELECT seq, space, number, text FROM subject
      WHERE seq >= ?1 AND seq < ?2 AND operation IS NOT NULL ORDER BY seq LIMIT ?3
      """
    case .branches:
      """
      SELECT space, number, text, min(time) FROM branch_update WHERE (space, number, text) > (?1, ?2, ?3)
      GROUP BY space, number, text ORDER BY space, number, text LIMIT ?4
      """
    case .exclusions: "SELECT item, fact, reason, actor, time FROM exclusion"
    case .setExclusion: "INSERT OR REPLACE INTO exclusion VALUES (?1, ?2, ?3, ?4, ?5)"
    case .deleteExclusion: "DELETE FROM exclusion WHERE item = ?1"
    case .subjectNamed: "SELECT id FROM fact_subject WHERE space = ?1 AND number = ?2 AND text = ?3 AND id >= 0 LIMIT 1"
    case .firstBranchUpdate: "SELECT min(time) FROM branch_update WHERE space = ?1 AND number = ?2 AND text = ?3"

    case .tally: "SELECT checksum, data FROM run_tally WHERE subject = ?1"
    case .setTally: "INSERT OR REPLACE INTO run_tally VALUES (?1, ?2, ?3)"
    case .deleteTally: "DELETE FROM run_tally WHERE subject = ?1"
    case .tallies: "SELECT checksum, data FROM run_tally"

    case .rollUpChanges: "SELECT block, checksum, data FROM rollup_change WHERE block >= ?1 AND block <= ?2 ORDER BY batch"
    case .rollUpChangesOfBlock: "SELECT batch, checksum, data, count FROM rollup_change WHERE block = ?1 ORDER BY batch"
    case .rollUpChangeCounts: "SELECT block, sum(count) FROM rollup_change GROUP BY block"
    case .insertRollUpChange: "INSERT INTO rollup_change VALUES (NULL, ?1, ?2, ?3, ?4)"
    case .deleteRollUpChanges: "DELETE FROM rollup_change WHERE block = ?1 AND batch <= ?2"

    case .rollUpPages:
      """
      SELECT checksum, data FROM rollup_page WHERE level = ?1 AND span = ?2 AND start = ?3 ORDER BY first_high, first_low
      """
    case .rollUpPagesOfPlace:
      """
      SELECT id, first_high, first_low FROM rollup_page WHERE level = ?1 AND span = ?2 AND start = ?3
      ORDER BY first_high, first_low
      """
    case .rollUpPageData: "SELECT checksum, data FROM rollup_page WHERE id = ?1"
    case .rollUpDays: "SELECT min(start), max(start) FROM rollup_page WHERE level = ?1 AND span = 0"
    case .insertRollUpPage: "INSERT INTO rollup_page VALUES (NULL, ?1, ?2, ?3, ?4, ?5, ?6, ?7)"
    case .updateRollUpPage:
      "UPDATE rollup_page SET first_high = ?2, first_low = ?3, checksum = ?4, data = ?5 WHERE id = ?1"
    case .deleteRollUpPage: "DELETE FROM rollup_page WHERE id = ?1"

    case .keptFacts: "SELECT 1 FROM fact_kept WHERE id = ?1"
    case .keepFacts: "INSERT OR IGNORE INTO fact_kept VALUES (?1)"
    case .hasFacts: "SELECT 1 FROM fact_subject WHERE id = ?1"
    case .rollUpState: "SELECT first_block, gone_through FROM rollup_state"
    case .setRollUpState: "UPDATE rollup_state SET first_block = ?1, gone_through = ?2"
    case .deleteRollUpsOfBlock: "DELETE FROM rollup_page WHERE level = ?1 AND span = 1 AND start < ?2"
    case .deleteRollUpsOfDays: "DELETE FROM rollup_page WHERE level = ?1 AND span = 0 AND start < ?2"
    }
  }
}

/// The prepared statements for facts of one connection.
final class FactStatements {
  private let connection: SQLiteConnection
  private var statements = [SQLiteStatement?](repeating: nil, count: FactQuery.allCases.count)

  init(_ connection: SQLiteConnection) {
    self.connection = connection
  }

  func callAsFunction(_ query: FactQuery) throws -> SQLiteStatement {
    if let known = statements[query.rawValue] { return known }
    let statement = try connection.prepare(query.sql)
    statements[query.rawValue] = statement
    return statement
  }

  /// Returns a statement whose first parameters are a kind and a day.
  func callAsFunction(_ query: FactQuery, _ place: FactPlace) throws -> SQLiteStatement {
    let statement = try self(query)
    statement.bind(1, Int64(place.kind.rawValue))
    statement.bind(2, place.day)
    return statement
  }
}
