fbt::: { }
