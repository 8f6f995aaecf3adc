/// A store that lists the branches whose updates it keeps, so that they can be copied to another store.
package protocol BranchListing: Sendable {
  /// Returns the keys of all branches with updates, in any order.
  ///
  /// - Throws: ``StoreError`` if the store cannot be read.
  func branches() throws(StoreError) -> [SubjectKey]
}
