// What the search puts first: the lessons, and the package's functions after them. Else "ELBO" led to four functions.
"use strict";

var Scorer = { objNameMatch: 11, objPartialMatch: 6, objPrio: {}, objPrioDefault: -10, title: 15, partialTitle: 7,
  term: 5, partialTerm: 2 };
