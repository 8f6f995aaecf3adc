/// What the connections of one span store share in memory.
struct StoreCaches: Sendable {
  let names = NameCache()
  let factNames = NameCache()
  let factSubjects = FactSubjectBound()
  let recentTraces = RecentTraces()
  let recentSubjects = RecentSubjects()
  let filters = NameFilters()
  let exclusions = ExclusionCache()
}
