extension PayloadObject {
  /// The files that a commit of a push added, changed or removed; nil if the payload has none of the three lists.
  ///
  /// GitHub and GitLab use the same member names.
  package var changedFiles: [String]? {
    let lists = [texts("added"), texts("modified"), texts("removed")].compactMap { $0 }
    return lists.isEmpty ? nil : lists.flatMap { $0 }
  }
}
