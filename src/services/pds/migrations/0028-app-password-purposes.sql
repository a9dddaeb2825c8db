-- 'read' or 'post': an app password that is for this alone. Null: for all that app passwords may do.
ALTER TABLE app_passwords ADD COLUMN purpose TEXT;
