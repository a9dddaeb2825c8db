-- How often in a row: wrong passwords and codes of one network within an hour are one line.
ALTER TABLE sign_ins ADD COLUMN count INTEGER NOT NULL DEFAULT 1;
