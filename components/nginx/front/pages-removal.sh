: "${place?where nginx finds the pages}"
take_away "$place"
