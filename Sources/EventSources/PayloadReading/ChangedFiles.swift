extension PayloadObject {
  /// The files that a commit of a push added, changed or removed, as GitHub and GitLab list them; nil where they list none at all.
  package var changedFiles: [String]? {
    let lists = [texts("added"), texts("modified"), texts("removed")].compactMap { $0 }
    return lists.isEmpty ? nil : lists.flatMap { $0 }
  }
}
